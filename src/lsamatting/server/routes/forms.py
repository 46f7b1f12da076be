"""Parts of requests that several routes have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Depends, File, Form, Path, Query, Request, UploadFile

from lsamatting.server.finish import Finish
from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.schemas import FinishFields
from lsamatting.server.service import MEDIA_TYPES, Service
from lsamatting.server.tasks import FileFormat, Guide, GuideKind, Window

SESSION_ERRORS = problem_responses(
    "no-session", "image", "busy", "cancelled", "failed", "time-limit", "token"
)
"""What a route of an open session may answer with."""

Identity = Annotated[str, Path(pattern=r"^[\w-]{1,64}$")]
"""A session's name in an address."""

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


Band = Annotated[int | None, Form(ge=0, le=10000, description="pixels; goes with a mask")]


@dataclass(frozen=True)
class GuideForm:
    """What a form says of a picture: one of three files, and how wide a mask's band is."""

    trimap: UploadFile | None = None
    mask: UploadFile | None = None
    strokes: UploadFile | None = None
    erode: int | None = None
    dilate: int | None = None

    async def keep(self, service: Service, target: str) -> Guide | None:
        """Keep the one file that was sent; None if none was.

        Raises
        ------
        ProblemError
            There are several, or a band goes with something other than a mask.
        """
        sent: dict[GuideKind, UploadFile | None] = {
            "trimap": self.trimap,
            "mask": self.mask,
            "strokes": self.strokes,
        }
        found = {kind: upload for kind, upload in sent.items() if upload is not None}
        if len(found) > 1:
            raise ProblemError("request", f"send one of {' and '.join(found)}, not both")
        if self.mask is None and (self.erode is not None or self.dilate is not None):
            raise ProblemError("request", "erode and dilate go with a mask")
        for kind, upload in found.items():
            kept = await service.keep(upload, target)
            return Guide(kind, kept, erode=self.erode, dilate=self.dilate)
        return None


def to_make_a_trimap(
    mask: Annotated[UploadFile | None, File(description="a segmentation, or a cutout")] = None,
    strokes: Annotated[
        UploadFile | None, File(description="white and black on a transparent layer")
    ] = None,
    erode: Band = None,
    dilate: Band = None,
) -> GuideForm:
    """Read from a form what a trimap is made of."""
    return GuideForm(mask=mask, strokes=strokes, erode=erode, dilate=dilate)


def trimap_or_what_makes_one(
    made_of: Annotated[GuideForm, Depends(to_make_a_trimap)],
    trimap: Annotated[UploadFile | None, File(description="grey: 0, 128, 255")] = None,
) -> GuideForm:
    """Read a trimap from a form, or what is in place of one."""
    return replace(made_of, trimap=trimap)


TrimapForm = Annotated[GuideForm, Depends(trimap_or_what_makes_one)]
MakingForm = Annotated[GuideForm, Depends(to_make_a_trimap)]
