"""What a session gives: layers as files, and all of it as a project."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, File, Path, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from lsamatting.server.problems import ProblemError
from lsamatting.server.project import pack_project
from lsamatting.server.routes.forms import (
    SESSION_ERRORS,
    DepthQuery,
    FinishQuery,
    Identity,
    WindowQuery,
    window_of,
)
from lsamatting.server.schemas import ProjectBody
from lsamatting.server.service import Service, ServiceDep, remove
from lsamatting.server.tasks import SUFFIXES, FileFormat, Render, Upload

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

_FIT = 64_000_000


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


@router.put("/{identity}/backdrop", status_code=204, responses=SESSION_ERRORS)
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
        **SESSION_ERRORS,
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
        DepthQuery | None, Query(description="bits; the picture's own if not given, 8 with `fit`")
    ] = None,
    window: WindowQuery = None,
    fit: Annotated[
        int | None, Query(ge=1, le=_FIT, description="scale down to so many pixels, for looking at")
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
        **SESSION_ERRORS,
    },
)
async def save_project(
    service: ServiceDep, request: Request, identity: Identity, body: ProjectBody
) -> Response:
    """Give everything as one file that can be opened again: picture, trimap, strokes, settings."""
    record = service.sessions.get(identity)
    trimap = None if record.trimap is None else service.new_file(".png")
    target = service.new_file(".lsm")
    try:
        if trimap is not None:
            await service.run(
                request,
                Render(record.recipe, "trimap", "png", trimap),
                session=record.id,
                light=True,
                names=(record.picture,),
            )
        await asyncio.to_thread(pack_project, record, trimap, body, target)
    except BaseException:
        remove(target)
        raise
    finally:
        if trimap is not None:
            remove(trimap)
    stem = record.picture.name.rsplit(".", 1)[0] or "picture"
    return FileResponse(
        target,
        media_type="application/zip",
        filename=f"{stem}.lsm",
        background=BackgroundTask(remove, target),
    )
