"""Pictures kept open: marked, matted, corrected with strokes, and exported."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Body, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.background import BackgroundTask

from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.project import pack_project, unpack_project
from lsamatting.server.routes.forms import (
    DepthQuery,
    FinishQuery,
    WindowQuery,
    read_guide,
    window_of,
)
from lsamatting.server.schemas import (
    OpenedBody,
    OptionsBody,
    ProjectBody,
    SessionBody,
    StrokeBody,
    StrokeChange,
    TrimapBody,
)
from lsamatting.server.service import Service, ServiceDep, client_of, remove
from lsamatting.server.sessions import SessionRecord
from lsamatting.server.strokes import Stroke
from lsamatting.server.tasks import (
    SUFFIXES,
    FileFormat,
    Guide,
    MakeTrimap,
    MatteOptions,
    OpenPicture,
    Propose,
    Render,
    Upload,
)

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_ERRORS = problem_responses(
    "no-session", "image", "busy", "cancelled", "failed", "time-limit", "token"
)
Identity = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]
Band = Annotated[int | None, Form(ge=0, le=10000, description="pixels; goes with a mask")]
_FIT = 64_000_000
_PROPOSAL_PIXELS = 4_000_000


async def open_session(
    service: Service, request: Request, image: UploadFile | FilePath, options: MatteOptions
) -> SessionRecord:
    """Keep a picture, and have a worker decode it."""
    if options.weights not in service.settings.weights:
        raise ProblemError(
            "weights",
            f"weights '{options.weights}'; accepted here: {', '.join(service.settings.weights)}",
        )
    name = image.name if isinstance(image, FilePath) else image.filename
    record = service.sessions.create(
        client=client_of(request), name=name or "the picture", options=options
    )
    try:
        if isinstance(image, FilePath):
            await asyncio.to_thread(_copy_file, image, record.picture.path)
        else:
            record.picture = await service.keep(image, record.picture.path)
        record.facts = await service.run(
            request, OpenPicture(record.recipe), session=record.id, names=(record.picture,)
        )
    except BaseException:
        service.sessions.close(record.id)
        raise
    service.sessions.make_room()
    return record


def answer(
    service: Service,
    picture: Upload,
    layer: str,
    format: FileFormat,
    path: str,
    *,
    notes: tuple[str, ...] = (),
) -> FileResponse:
    """Send a result under the picture's name."""
    stem = picture.name.rsplit(".", 1)[0] or "picture"
    said = "; ".join(notes).encode("ascii", "replace").decode()
    return service.answer_with(
        path, format, f"{stem}-{layer}", headers={"X-Notes": said[:2000]} if said else None
    )


@router.post("", status_code=201, responses={**_ERRORS, **problem_responses("too-large")})
async def create(
    service: ServiceDep,
    request: Request,
    response: Response,
    image: Annotated[UploadFile | None, File(description="the picture")] = None,
    project: Annotated[UploadFile | None, File(description="or a project, .lsm")] = None,
    given: Annotated[int | None, Form(ge=0, description="or the number of one given")] = None,
    trimap: Annotated[UploadFile | None, File(description="grey: 0, 128, 255")] = None,
    mask: Annotated[UploadFile | None, File(description="in place of a trimap")] = None,
    strokes: Annotated[
        UploadFile | None,
        File(description="in place of a trimap: white and black on a transparent layer"),
    ] = None,
    erode: Band = None,
    dilate: Band = None,
) -> OpenedBody:
    """Open a picture, a project, or a picture that was named when the server was started."""
    if sum(source is not None for source in (image, project, given)) != 1:
        raise ProblemError("request", "send one of image, project and given")
    options = MatteOptions(service.settings.weights[0])
    if project is not None:
        opened = await _open_project(service, request, project)
    else:
        source: UploadFile | FilePath
        if image is None:
            assert given is not None
            if given >= len(service.given):
                raise ProblemError("request", f"given: there are {len(service.given)} pictures")
            source = service.given[given]
        else:
            source = image
        record = await open_session(service, request, source, options)
        try:
            guide = await read_guide(
                service,
                trimap=trimap,
                mask=mask,
                strokes=strokes,
                erode=erode,
                dilate=dilate,
                target=record.new_file(""),
            )
            if guide is not None:
                await _set_trimap(service, request, record, guide)
        except BaseException:
            service.sessions.close(record.id)
            raise
        opened = OpenedBody.of(record)  # type: ignore[assignment]
    response.headers["Location"] = opened.links["self"]
    return opened


async def _open_project(service: Service, request: Request, upload: UploadFile) -> OpenedBody:
    kept = await service.keep(upload, service.new_file(".lsm"))
    record = service.sessions.create(
        client=client_of(request),
        name=kept.name,
        options=MatteOptions(service.settings.weights[0]),
    )
    try:
        project = await asyncio.to_thread(
            unpack_project, kept, record.folder, most=service.settings.limits.body
        )
        record.picture = Upload(record.picture.path, project.name)
        weights = project.options.weights
        if weights is not None and weights not in service.settings.weights:
            raise ProblemError(
                "weights",
                f"{kept.name} was made with weights '{weights}';"
                f" accepted here: {', '.join(service.settings.weights)}",
            )
        record.options = project.options.options(service.settings.weights[0])
        record.facts = await service.run(
            request, OpenPicture(record.recipe), session=record.id, names=(record.picture,)
        )
        if project.trimap is not None:
            guide = Guide("trimap", Upload(project.trimap, f"the trimap of {kept.name}"))
            await _set_trimap(service, request, record, guide)
        record.strokes = tuple(stroke.stroke() for stroke in project.strokes)
    except BaseException:
        service.sessions.close(record.id)
        raise
    finally:
        remove(kept.path)
    service.sessions.make_room()
    body = SessionBody.of(record).model_dump()
    return OpenedBody(**body, page=project.page, finish=project.finish)


@router.get("/{identity}", responses=_ERRORS)
async def show(service: ServiceDep, identity: Identity) -> SessionBody:
    """Tell what is known of a session."""
    return SessionBody.of(service.sessions.get(identity))


@router.delete("/{identity}", status_code=204, responses=_ERRORS)
async def close(service: ServiceDep, identity: Identity) -> Response:
    """Forget a session and its files."""
    service.sessions.get(identity)
    service.sessions.close(identity)
    return Response(status_code=204)


@router.get("/{identity}/events", response_class=EventSourceResponse, responses=_ERRORS)
async def events(service: ServiceDep, identity: Identity) -> AsyncIterable[ServerSentEvent]:
    """Stream what happens: `started`, `progress`, `matte`, `cancelled`, `failed`, `closed`."""
    record = service.sessions.get(identity)
    listener = record.listen()
    try:
        yield ServerSentEvent(event="state", data={"revision": record.revision})
        while (event := await listener.get()) is not None:
            yield ServerSentEvent(event=event.pop("event"), data=event)
    finally:
        record.listeners.discard(listener)


# ---- what is known ----


@router.put(
    "/{identity}/trimap",
    responses={**_ERRORS, **problem_responses("too-large")},
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
        return await _set_trimap(service, request, record, guide)
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
        return await read_guide(
            service,
            trimap=files["trimap"],  # type: ignore[arg-type]
            mask=files["mask"],  # type: ignore[arg-type]
            strokes=files["strokes"],  # type: ignore[arg-type]
            erode=numbers["erode"],
            dilate=numbers["dilate"],
            target=target,
        )


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


async def _set_trimap(
    service: Service, request: Request, record: SessionRecord, guide: Guide
) -> TrimapBody:
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


@router.post(
    "/{identity}/proposal",
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            }
        },
        **_ERRORS,
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
        values = await asyncio.to_thread(FilePath(target).read_bytes)
    finally:
        remove(sent)
        remove(target)
    return Response(values, media_type="application/octet-stream")


# ---- the matte and its strokes ----


@router.post("/{identity}/matte", responses=_ERRORS)
async def compute(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    options: Annotated[OptionsBody | None, Body()] = None,
) -> SessionBody:
    """Compute the matte; the answer comes when it is there, progress on `events` before.

    Without a body the options are those of the last time.
    """
    record = service.sessions.get(identity)
    if options is not None:
        wanted = options.options(service.settings.weights[0])
        if wanted.weights not in service.settings.weights:
            raise ProblemError(
                "weights",
                f"weights '{wanted.weights}'; accepted here: {', '.join(service.settings.weights)}",
            )
        record.options = wanted
    await service.compute(request, record)
    return SessionBody.of(record)


@router.delete("/{identity}/matte", responses=_ERRORS)
async def cancel(service: ServiceDep, identity: Identity) -> dict[str, bool]:
    """Give up what is being computed."""
    return {"cancelled": service.cancel(service.sessions.get(identity))}


@router.get("/{identity}/strokes", responses=_ERRORS)
async def list_strokes(service: ServiceDep, identity: Identity) -> list[StrokeBody]:
    """List the strokes, the first painted first."""
    return [StrokeBody.of(stroke) for stroke in service.sessions.get(identity).strokes]


@router.post("/{identity}/strokes", responses=_ERRORS)
async def add_stroke(
    service: ServiceDep, request: Request, identity: Identity, stroke: StrokeBody
) -> SessionBody:
    """Correct the matte with a stroke; the answer comes when it was followed."""
    record = service.sessions.get(identity)
    return await _follow(service, request, record, (*record.strokes, stroke.stroke()))


@router.put("/{identity}/strokes", responses=_ERRORS)
async def replace_strokes(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    strokes: list[StrokeBody],
    compute: Annotated[bool, Query(description="follow them, or only keep them")] = True,
) -> SessionBody:
    """Replace all strokes."""
    record = service.sessions.get(identity)
    if not compute:
        _check_number(service, len(strokes))
        record.strokes = tuple(one.stroke() for one in strokes)
        return SessionBody.of(record)
    return await _follow(service, request, record, tuple(one.stroke() for one in strokes))


@router.patch("/{identity}/strokes/{number}", responses=_ERRORS)
async def change_stroke(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    number: Annotated[int, Path(ge=0, le=100000)],
    change: StrokeChange,
) -> SessionBody:
    """Switch a stroke off or on; the first has number 0."""
    record = service.sessions.get(identity)
    if number >= len(record.strokes):
        raise ProblemError("option", f"stroke {number}: there are {len(record.strokes)}")
    changed = list(record.strokes)
    changed[number] = replace(changed[number], enabled=change.enabled)
    return await _follow(service, request, record, tuple(changed))


@router.delete("/{identity}/strokes/last", responses=_ERRORS)
async def undo_stroke(service: ServiceDep, request: Request, identity: Identity) -> SessionBody:
    """Take the last stroke back."""
    record = service.sessions.get(identity)
    if not record.strokes:
        raise ProblemError("option", "there is no stroke to take back")
    return await _follow(service, request, record, record.strokes[:-1])


async def _follow(
    service: Service, request: Request, record: SessionRecord, strokes: tuple[Stroke, ...]
) -> SessionBody:
    _check_number(service, len(strokes))
    before, record.strokes = record.strokes, strokes
    try:
        await service.compute(request, record)
    except ProblemError:
        raise  # overtaken or given up: the strokes stay
    except Exception:
        if record.strokes is strokes:
            record.strokes = before
        raise
    return SessionBody.of(record)


def _check_number(service: Service, strokes: int) -> None:
    most = service.settings.limits.strokes
    if strokes > most:
        raise ProblemError("option", f"{strokes} strokes; a session may have {most}")


# ---- results ----


@router.put("/{identity}/backdrop", status_code=204, responses=_ERRORS)
async def put_backdrop(
    service: ServiceDep,
    identity: Identity,
    image: Annotated[UploadFile, File(description="a picture to put the subject on")],
) -> Response:
    """Keep a picture for composites; it is scaled to cover."""
    record = service.sessions.get(identity)
    old = record.backdrop
    record.backdrop = await service.keep(image, record.new_file(""))
    if old is not None:
        remove(old.path)
    return Response(status_code=204)


@router.get(
    "/{identity}/{layer}",
    response_class=Response,
    responses={
        200: {
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in ("image/png", "image/webp", "image/jpeg", "image/tiff", "image/x-exr")
            }
        },
        **_ERRORS,
    },
)
async def get_layer(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    layer: Annotated[
        Literal["picture", "alpha", "cutout", "foreground", "composite", "trimap"], Path()
    ],
    finish: FinishQuery,
    format: Annotated[FileFormat, Query()] = "png",
    depth: Annotated[
        DepthQuery | None, Query(description="bits; the picture's own if not given")
    ] = None,
    window: WindowQuery = None,
    fit: Annotated[
        int | None, Query(ge=1, le=_FIT, description="scale down to so many pixels, 8 bits")
    ] = None,
    crop: Annotated[bool, Query(description="only where the subject is")] = False,
    on: Annotated[
        str | None,
        Query(max_length=40, description="what a composite stands on: a colour, or `backdrop`"),
    ] = None,
) -> Response:
    """Give a layer as a file, finished, whole or in part."""
    record = service.sessions.get(identity)
    if on == "backdrop" and record.backdrop is None:
        raise ProblemError("option", "there is no backdrop: send one first")
    backdrop = record.backdrop if on == "backdrop" else None
    target = service.new_file(SUFFIXES[format])
    task = Render(
        record.recipe,
        layer,
        format,
        target,
        depth=None if depth is None else int(depth),  # type: ignore[arg-type]
        finish=finish,
        window=window_of(window),
        fit=fit,
        crop=crop,
        colour=None if on == "backdrop" else on,
        backdrop=backdrop,
    )
    names = (record.picture, Upload(target, "the result"))
    try:
        await service.run(
            request,
            task,
            session=record.id,
            light=True,
            names=names if backdrop is None else (*names, backdrop),
        )
    except BaseException:
        remove(target)
        raise
    return answer(service, record.picture, layer, format, target)


@router.post(
    "/{identity}/project",
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/zip": {"schema": {"type": "string", "format": "binary"}},
            }
        },
        **_ERRORS,
    },
)
async def save_project(
    service: ServiceDep, request: Request, identity: Identity, body: ProjectBody
) -> Response:
    """Give everything as one file that can be opened again: picture, trimap, strokes, settings."""
    record = service.sessions.get(identity)
    trimap: str | None = None
    if record.trimap is not None:
        trimap = service.new_file(".png")
        await service.run(
            request,
            Render(record.recipe, "trimap", "png", trimap),
            session=record.id,
            light=True,
            names=(record.picture,),
        )
    target = service.new_file(".lsm")
    await asyncio.to_thread(pack_project, record, trimap, body, target)
    if trimap is not None:
        remove(trimap)
    stem = record.picture.name.rsplit(".", 1)[0] or "picture"
    return FileResponse(
        target,
        media_type="application/zip",
        filename=f"{stem}.lsm",
        background=BackgroundTask(remove, target),
    )


def _copy_file(source: FilePath, target: str) -> None:
    import shutil

    from lsamatting.errors import ImageError

    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be opened ({error.strerror})") from None
