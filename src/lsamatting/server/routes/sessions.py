"""Pictures kept open: sessions begin, tell of themselves, and end."""

from __future__ import annotations

from collections.abc import AsyncIterable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.routes.forms import SESSION_ERRORS, Identity, TrimapForm
from lsamatting.server.routes.marking import set_trimap
from lsamatting.server.routes.opening import open_project, open_session
from lsamatting.server.schemas import OpenedBody, SessionBody
from lsamatting.server.service import ServiceDep
from lsamatting.server.tasks import MatteOptions

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


@router.post("", status_code=201, responses={**SESSION_ERRORS, **problem_responses("too-large")})
async def create(
    service: ServiceDep,
    request: Request,
    response: Response,
    known: TrimapForm,
    image: Annotated[UploadFile | None, File(description="the picture")] = None,
    project: Annotated[UploadFile | None, File(description="or a project, .lsm")] = None,
    given: Annotated[int | None, Form(ge=0, description="or the number of one given")] = None,
) -> OpenedBody:
    """Open a picture, a project, or a picture that was named when the server was started."""
    if sum(source is not None for source in (image, project, given)) != 1:
        raise ProblemError("request", "send one of image, project and given")
    options = MatteOptions(service.settings.weights[0])
    if project is not None:
        opened = await open_project(service, request, project)
    else:
        source: UploadFile | Path
        if image is None:
            assert given is not None
            if given >= len(service.given):
                raise ProblemError("request", f"given: there are {len(service.given)} pictures")
            source = service.given[given]
        else:
            source = image
        record = await open_session(service, request, source, options)
        try:
            guide = await known.keep(service, record.new_file(""))
            if guide is not None:
                await set_trimap(service, request, record, guide)
        except BaseException:
            service.sessions.close(record.id)
            raise
        opened = OpenedBody.of(record)  # type: ignore[assignment]
    response.headers["Location"] = opened.links["self"]
    return opened


@router.get("/{identity}", responses=SESSION_ERRORS)
async def show(service: ServiceDep, identity: Identity) -> SessionBody:
    """Tell what is known of a session."""
    return SessionBody.of(service.sessions.get(identity))


@router.delete("/{identity}", status_code=204, responses=SESSION_ERRORS)
async def close(service: ServiceDep, identity: Identity) -> Response:
    """Forget a session and its files."""
    service.sessions.get(identity)
    service.sessions.close(identity)
    return Response(status_code=204)


@router.get("/{identity}/events", response_class=EventSourceResponse, responses=SESSION_ERRORS)
async def events(service: ServiceDep, identity: Identity) -> AsyncIterable[ServerSentEvent]:
    """Stream what happens: `started`, `progress`, `matte`, `cancelled`, `failed`, `closed`."""
    record = service.sessions.get(identity)
    listener = record.listen()
    try:
        yield ServerSentEvent(event="state", data={"revision": record.revision})
        while (event := await listener.get()) is not None:
            # The same event goes to all who listen.
            data = {name: value for name, value in event.items() if name != "event"}
            yield ServerSentEvent(event=event["event"], data=data)
    finally:
        record.listeners.discard(listener)
