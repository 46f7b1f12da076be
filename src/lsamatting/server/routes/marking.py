"""What is known of a session's picture: its trimap, and proposals of one."""

from __future__ import annotations

import asyncio
import zlib
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.routes.forms import SESSION_ERRORS, GuideForm, Identity
from lsamatting.server.schemas import TrimapBody
from lsamatting.server.service import Service, ServiceDep, remove
from lsamatting.server.sessions import SessionRecord
from lsamatting.server.tasks import Guide, MakeTrimap, Propose, Upload

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_PROPOSAL_PIXELS = 4_000_000


@router.put(
    "/{identity}/trimap",
    responses={**SESSION_ERRORS, **problem_responses("too-large")},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "trimap": {"type": "string", "format": "binary"},
                            "mask": {"type": "string", "format": "binary"},
                            "strokes": {"type": "string", "format": "binary"},
                            "erode": {"type": "integer", "minimum": 0, "maximum": 10000},
                            "dilate": {"type": "integer", "minimum": 0, "maximum": 10000},
                        },
                    }
                },
                "application/octet-stream": {
                    "schema": {"type": "string", "format": "binary"},
                },
            },
        }
    },
)
async def put_trimap(service: ServiceDep, request: Request, identity: Identity) -> TrimapBody:
    """Say what is subject, background and unknown: with a trimap, a mask or strokes.

    `application/octet-stream` takes bytes of 0, 128 and 255, one a pixel, row by row, which may
    be compressed (`Content-Encoding: gzip`).
    """
    record = service.sessions.get(identity)
    target = record.new_file("")
    try:
        if request.headers.get("content-type", "").startswith("application/octet-stream"):
            guide: Guide | None = await _values_guide(request, record, target)
        else:
            guide = await _guide_of_form(service, request, target)
        if guide is None:
            raise ProblemError("request", "send a trimap, a mask or strokes")
        return await set_trimap(service, request, record, guide)
    finally:
        remove(target)


async def _guide_of_form(service: Service, request: Request, target: str) -> Guide | None:
    async with request.form(max_files=3, max_fields=8) as form:
        files = {name: form.get(name) for name in ("trimap", "mask", "strokes")}
        numbers: dict[str, int | None] = {}
        for name in ("erode", "dilate"):
            text = form.get(name)
            if text is not None and not (isinstance(text, str) and text.isdecimal()):
                raise ProblemError("request", f"{name} is a number of pixels, found '{text}'")
            numbers[name] = None if text is None else min(int(str(text)), 10000)
        for name, file in files.items():
            if isinstance(file, str):
                raise ProblemError("request", f"{name} is a file, found text")
        return await GuideForm(**files, **numbers).keep(service, target)  # type: ignore[arg-type]


async def _values_guide(request: Request, record: SessionRecord, target: str) -> Guide:
    assert record.facts is not None
    await _keep_values(request, record.facts.width, record.facts.height, target)
    return Guide("values", Upload(target, "the trimap"))


async def _keep_values(request: Request, width: int, height: int, target: str) -> None:
    """Write a body of one byte a pixel into a file, unzipped, and no more than it may have."""
    expected = width * height
    coding = request.headers.get("content-encoding", "identity")
    if coding not in ("identity", "gzip"):
        raise ProblemError("request", f"Content-Encoding '{coding[:40]}'; accepted is gzip")
    unzip = zlib.decompressobj(16 + zlib.MAX_WBITS) if coding == "gzip" else None
    written = 0
    with open(target, "wb") as file:
        async for chunk in request.stream():
            try:
                # One byte more than expected tells that there is more.
                data = unzip.decompress(chunk, expected + 1 - written) if unzip else chunk
            except zlib.error:
                raise ProblemError("request", "the body is not what gzip writes") from None
            written += len(data)
            if written > expected:
                break
            file.write(data)
    if written != expected:
        raise ProblemError(
            "trimap",
            f"{'more' if written > expected else 'fewer'} values than {width}x{height} pixels",
        )


@router.post(
    "/{identity}/proposal",
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            }
        },
        **SESSION_ERRORS,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
)
async def propose(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    width: Annotated[int, Query(ge=1, le=4000)],
    height: Annotated[int, Query(ge=1, le=4000)],
) -> Response:
    """Propose a trimap from scribbles: bytes of 0, 255, 128 for unknown, anything else for none.

    They are of the picture scaled to `width` × `height`, at most four million; so is the answer.
    """
    record = service.sessions.get(identity)
    if width * height > _PROPOSAL_PIXELS:
        raise ProblemError("option", f"{width}x{height}: a proposal has {_PROPOSAL_PIXELS} pixels")
    sent, target = service.new_file(), service.new_file()
    try:
        await _keep_values(request, width, height, sent)
        task = Propose(record.recipe, Upload(sent, "the scribbles"), width, height, target)
        await service.run(
            request, task, session=record.id, light=True, names=(record.picture, task.scribbles)
        )
        values = await asyncio.to_thread(Path(target).read_bytes)
    finally:
        remove(sent)
        remove(target)
    return Response(values, media_type="application/octet-stream")


async def set_trimap(
    service: Service, request: Request, record: SessionRecord, guide: Guide
) -> TrimapBody:
    """Make a trimap of what was sent, and give it to a session."""
    target = record.new_file(".npy")
    facts = await service.run(
        request,
        MakeTrimap(record.recipe, guide, target),
        session=record.id,
        names=(guide.upload, record.picture),
    )
    old, record.trimap = record.trimap, target
    if old is not None:
        remove(old)
    return TrimapBody.of(facts)
