"""One picture in, one result out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse

from lsamatting.choices import ForegroundMethod
from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.routes.forms import DepthQuery, MakingForm, TrimapForm, accepted_format
from lsamatting.server.routes.opening import open_session
from lsamatting.server.routes.results import answer
from lsamatting.server.schemas import SessionBody
from lsamatting.server.service import ServiceDep, remove
from lsamatting.server.tasks import (
    SUFFIXES,
    CleanColours,
    DrawTrimap,
    Guide,
    MakeTrimap,
    MatteFacts,
    MatteOptions,
    Once,
    Recipe,
    Render,
)

router = APIRouter(prefix="/v1", tags=["one picture"])

_PICTURES: dict[str, Any] = {
    media: {"schema": {"type": "string", "format": "binary"}}
    for media in ("image/png", "image/webp", "image/tiff", "image/x-exr")
}
_ERRORS = problem_responses(
    "image", "too-large", "unacceptable", "busy", "cancelled", "failed", "time-limit", "token"
)


@router.post(
    "/matte",
    response_class=Response,
    responses={
        200: {
            "description": "The matte; with Accept: application/json a session with links",
            "content": {
                **_PICTURES,
                "application/json": {"schema": {"$ref": "#/components/schemas/SessionBody"}},
            },
        },
        **_ERRORS,
    },
)
async def matte(
    service: ServiceDep,
    request: Request,
    image: Annotated[UploadFile, File(description="the picture")],
    known: TrimapForm,
    output: Annotated[Literal["alpha", "cutout", "foreground"], Form()] = "alpha",
    depth: Annotated[DepthQuery | None, Form()] = None,
    weights: Annotated[str | None, Form(max_length=200)] = None,
    refine: Annotated[bool, Form()] = False,
    tta: Annotated[bool, Form()] = False,
    foreground: Annotated[ForegroundMethod, Form()] = "blur-fusion",
) -> Response:
    """Estimate how opaque every pixel of a picture is.

    `Accept` chooses the format: `image/png` (if nothing is said), `image/webp`, `image/tiff`,
    `image/x-exr`, or `application/json` for a session with links to all results.
    """
    format = accepted_format(request, json=True)
    options = MatteOptions(
        weights or service.settings.weights[0], refine=refine, tta=tta, foreground=foreground
    )
    guide_file = service.new_file()
    try:
        guide = await known.keep(service, guide_file)
        if guide is None:
            raise ProblemError("request", "send a trimap, a mask or strokes with the picture")
        if format == "json":
            return await _with_links(service, request, image, guide, options)
        return await _in_one_go(service, request, image, guide, options, format, output, depth)
    finally:
        remove(guide_file)


async def _with_links(
    service: ServiceDep, request: Request, image: UploadFile, guide: Guide, options: MatteOptions
) -> Response:
    record = await open_session(service, request, image, options)
    try:
        target = record.new_file(".npy")
        await service.run(
            request,
            MakeTrimap(record.recipe, guide, target),
            session=record.id,
            names=(guide.upload, record.picture),
        )
        record.trimap = target
        await service.compute(request, record)
    except BaseException:
        service.sessions.close(record.id)
        raise
    return JSONResponse(SessionBody.of(record).model_dump())


async def _in_one_go(
    service: ServiceDep,
    request: Request,
    image: UploadFile,
    guide: Guide,
    options: MatteOptions,
    format: Any,
    output: Literal["alpha", "cutout", "foreground"],
    depth: DepthQuery | None,
) -> Response:
    picture = await service.keep(image, service.new_file())
    render = Render(
        Recipe("", picture, None, options),
        output,
        format,
        service.new_file(SUFFIXES[format]),
        depth=None if depth is None else int(depth),  # type: ignore[arg-type]
    )
    try:
        facts: MatteFacts = await service.run(
            request, Once(render, guide), names=(picture, guide.upload)
        )
    except BaseException:
        remove(render.target)
        raise
    finally:
        remove(picture.path)
    service.metrics.pixels.inc(facts.pixels)
    return answer(service, picture, output, format, render.target, notes=facts.notes)


@router.post(
    "/trimap",
    response_class=Response,
    responses={200: {"content": {"image/png": _PICTURES["image/png"]}}, **_ERRORS},
)
async def trimap(
    service: ServiceDep,
    request: Request,
    made_of: MakingForm,
    image: Annotated[UploadFile | None, File(description="the picture")] = None,
) -> Response:
    """Make a trimap from a mask or from strokes, as `lsamatting trimap` and the editor do.

    With the picture, what it shows beyond a mask's edge is unknown too, and what strokes leave out
    is proposed from its colours; without, that is unknown.
    """
    guide_file, picture_file = service.new_file(), service.new_file()
    target = service.new_file(".png")
    try:
        guide = await made_of.keep(service, guide_file)
        if guide is None:
            raise ProblemError("request", "send a mask or strokes")
        picture = None if image is None else await service.keep(image, picture_file)
        facts = await service.run(
            request,
            DrawTrimap(guide, picture, target),
            names=(guide.upload,) if picture is None else (guide.upload, picture),
        )
    except BaseException:
        remove(target)
        raise
    finally:
        remove(guide_file)
        remove(picture_file)
    return answer(service, guide.upload, "trimap", "png", target, notes=facts.warnings)


@router.post(
    "/foreground",
    response_class=Response,
    responses={200: {"content": _PICTURES}, **_ERRORS},
)
async def foreground(
    service: ServiceDep,
    request: Request,
    image: Annotated[UploadFile, File(description="the picture")],
    alpha: Annotated[UploadFile, File(description="its matte")],
    output: Annotated[Literal["foreground", "cutout"], Form()] = "cutout",
    method: Annotated[ForegroundMethod, Form()] = "blur-fusion",
    depth: Annotated[DepthQuery | None, Form()] = None,
) -> Response:
    """Give the subject's own colours for a matte that is known already."""
    format: Any = accepted_format(request)
    picture = await service.keep(image, service.new_file())
    known = await service.keep(alpha, service.new_file())
    target = service.new_file(SUFFIXES[format])
    try:
        await service.run(
            request,
            CleanColours(
                picture,
                known,
                output,
                method,
                format,
                None if depth is None else int(depth),  # type: ignore[arg-type]
                target,
            ),
            names=(picture, known),
        )
    except BaseException:
        remove(target)
        raise
    finally:
        remove(picture.path)
        remove(known.path)
    return answer(service, picture, output, format, target)
