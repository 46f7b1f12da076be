"""What the server asks its workers to do: plain data that crosses a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lsamatting.choices import Depth, ForegroundMethod
from lsamatting.server.brush import BrushStroke
from lsamatting.server.finish import Finish

GuideKind = Literal["trimap", "mask", "strokes", "values"]
"""`values`: bytes of 0, 128 and 255, one a pixel, row by row."""

Layer = Literal["picture", "alpha", "cutout", "foreground", "composite", "trimap"]
FileFormat = Literal["png", "webp", "jpeg", "tiff", "exr"]
SUFFIXES: dict[FileFormat, str] = {
    "png": ".png",
    "webp": ".webp",
    "jpeg": ".jpg",
    "tiff": ".tif",
    "exr": ".exr",
}
Window = tuple[int, int, int, int]
"""x, y, width and height in pixels of the picture."""


@dataclass(frozen=True)
class Upload:
    """What a client sent, kept in a file of the server's own naming."""

    path: str
    name: str
    """What the client calls it; for messages only."""


@dataclass(frozen=True)
class MatteOptions:
    """How a matte is computed."""

    weights: str
    refine: bool = False
    tta: bool = False
    foreground: ForegroundMethod = "blur-fusion"


@dataclass(frozen=True)
class Guide:
    """What is known of a picture, as a client sent it."""

    kind: GuideKind
    upload: Upload
    erode: int | None = None
    dilate: int | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything from which a session's matte can be computed anew."""

    session: str
    picture: Upload
    trimap: str | None
    """A file of the trimap's values; each trimap has a name of its own."""

    options: MatteOptions
    strokes: tuple[BrushStroke, ...] = ()


@dataclass(frozen=True)
class OpenPicture:
    """Decode the picture; gives `PictureFacts`."""

    recipe: Recipe


@dataclass(frozen=True)
class PictureFacts:
    """What a picture is like."""

    width: int
    height: int
    depth: int
    linear: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class MakeTrimap:
    """Turn a guide into a trimap of the picture's size, kept at `target`; gives `TrimapFacts`."""

    recipe: Recipe
    guide: Guide
    target: str


@dataclass(frozen=True)
class TrimapFacts:
    """What a trimap is like."""

    background: int
    unknown: int
    foreground: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ComputeMatte:
    """Compute the matte, or bring it up to the strokes; gives `MatteFacts`."""

    recipe: Recipe


@dataclass(frozen=True)
class MatteFacts:
    """What was done."""

    seconds: dict[str, float]
    notes: tuple[str, ...]
    changed: Window | None
    """Where the opacity differs from that before; None where nowhere."""

    subject: Window | None
    """Where it is not zero."""

    pixels: int
    """Of the picture."""


@dataclass(frozen=True)
class Render:
    """Write a layer of a session into the file `target`."""

    recipe: Recipe
    layer: Layer
    format: FileFormat
    target: str
    depth: Depth | None = None
    finish: Finish = field(default_factory=Finish)
    window: Window | None = None
    fit: int | None = None
    """Most pixels of the result; it is scaled down to that."""

    crop: bool = False
    """Only where the subject is."""

    colour: str | None = None
    backdrop: Upload | None = None


@dataclass(frozen=True)
class Once:
    """Compute and write one result of a picture that is not kept."""

    render: Render
    guide: Guide


@dataclass(frozen=True)
class DrawTrimap:
    """Turn a guide into the trimap `target`, a PNG; gives `TrimapFacts`."""

    guide: Guide
    picture: Upload | None
    target: str


@dataclass(frozen=True)
class Propose:
    """Propose a trimap from scribbles, scaled down, as bytes; writes bytes to `target`."""

    recipe: Recipe
    scribbles: Upload
    width: int
    height: int
    target: str


@dataclass(frozen=True)
class CleanColours:
    """Estimate the foreground's colours of a picture whose matte is known."""

    picture: Upload
    alpha: Upload
    layer: Literal["foreground", "cutout"]
    method: ForegroundMethod
    format: FileFormat
    depth: Depth | None
    target: str


@dataclass(frozen=True)
class CloseSession:
    """Let go of a session."""

    session: str


Task = (
    OpenPicture
    | MakeTrimap
    | ComputeMatte
    | Render
    | Once
    | DrawTrimap
    | Propose
    | CleanColours
    | CloseSession
)


def written_by(task: Task) -> str | None:
    """Give the file that a task writes, if it writes one."""
    match task:
        case Once():
            return task.render.target
        case MakeTrimap() | Render() | DrawTrimap() | Propose() | CleanColours():
            return task.target
        case _:
            return None
