"""Parts of requests that several routes have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, UploadFile

from lsamatting.server.finish import Finish
from lsamatting.server.problems import ProblemError
from lsamatting.server.schemas import FinishFields
from lsamatting.server.service import MEDIA_TYPES, Service
from lsamatting.server.tasks import FileFormat, Guide, GuideKind, Window

DepthQuery = Literal["8", "16", "32"]

WindowQuery = Annotated[
    str | None,
    Query(
        pattern=r"^\d{1,6},\d{1,6},\d{1,6},\d{1,6}$",
        description="x,y,width,height in pixels of the picture",
        examples=["0,0,256,256"],
    ),
]


def finish_query(finish: Annotated[FinishFields, Query()]) -> Finish:
    """Read a finish from the query."""
    return finish.finish()


FinishQuery = Annotated[Finish, Depends(finish_query)]


def window_of(text: str | None) -> Window | None:
    """Read x,y,width,height."""
    if text is None:
        return None
    x, y, width, height = map(int, text.split(","))
    return x, y, width, height


def accepted_format(request: Request, *, json: bool = False) -> FileFormat | Literal["json"]:
    """Choose a format by the Accept header; PNG where anything goes.

    Raises
    ------
    ProblemError
        None of what is accepted can be given.
    """
    choices: dict[str, Any] = dict(MEDIA_TYPES)
    if json:
        choices["application/json"] = "json"
    wanted = []
    for part in request.headers.get("accept", "*/*").split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        wanted.append((quality, media))
    for quality, media in sorted(wanted, key=lambda one: -one[0]):
        if quality <= 0:
            continue
        if media in ("*/*", "image/*"):
            return "png"
        if media in choices:
            chosen: FileFormat | Literal["json"] = choices[media]
            return chosen
    raise ProblemError("unacceptable", f"accepted here: {', '.join(choices)}")


async def read_guide(
    service: Service,
    *,
    trimap: UploadFile | None,
    mask: UploadFile | None,
    strokes: UploadFile | None,
    erode: int | None,
    dilate: int | None,
    target: str,
) -> Guide | None:
    """Keep the one of three that was sent; None if none was.

    Raises
    ------
    ProblemError
        There are several, or a band goes with something other than a mask.
    """
    sent: dict[GuideKind, UploadFile | None] = {
        "trimap": trimap,
        "mask": mask,
        "strokes": strokes,
    }
    found = {kind: upload for kind, upload in sent.items() if upload is not None}
    if len(found) > 1:
        raise ProblemError("request", f"send one of {' and '.join(found)}, not both")
    if mask is None and (erode is not None or dilate is not None):
        raise ProblemError("request", "erode and dilate go with a mask")
    for kind, upload in found.items():
        return Guide(kind, await service.keep(upload, target), erode=erode, dilate=dilate)
    return None
