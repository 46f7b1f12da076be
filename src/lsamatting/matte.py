"""What a user gets: a picture taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Self, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lsamatting.choices import Depth
from lsamatting.compositing.backdrop import fit_backdrop, read_backdrop
from lsamatting.compositing.equation import composite, straight_rgba
from lsamatting.images import Picture, write_grey, write_picture
from lsamatting.picture_files import best_depth
from lsamatting.trimap import Trimap

if TYPE_CHECKING:
    from lsamatting.formats.metadata import Metadata
    from lsamatting.inference.refinement.report import RefinementReport

FloatArray = NDArray[np.float32]
Backdrop = str | Path | Image.Image | ArrayLike


class SaveOptions(TypedDict, total=False):
    """How a file is written; each may be left out, or None."""

    depth: Depth | None
    """8, 16 or 32 bits; the picture's own, as far as the format can, if not given."""

    quality: int | None
    """Of JPEG, 1 to 100 [95]; of colours in WebP too [without loss]."""

    suffix: str | None
    """Format of a file that is open, as `.png`."""


class _Chosen(TypedDict):
    depth: Depth
    quality: int | None
    suffix: str | None


@dataclass(frozen=True)
class Note:
    """Something that the user should know of a matte."""

    source: Literal["picture", "trimap", "refinement"]
    """What it is about."""

    text: str
    """In one line."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Matte:
    """A picture taken apart: opacity, and the subject's own colours.

    Size and orientation are the picture's as a viewer shows it.
    """

    alpha: FloatArray
    """H×W float32 in [0, 1]."""

    foreground: FloatArray
    """H×W×3 float32 in [0, 1]: the subject's colours without those behind it."""

    trimap: Trimap
    """The trimap that was used, with what strokes made known."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Time spent in each step, and their `total`."""

    depth: Depth = 8
    """Bits per channel of the picture, and of the files that are saved if their format can."""

    linear: bool = False
    """The picture's file was in linear light, and so is what is saved as a floating-point file."""

    notes: tuple[Note, ...] = ()
    """What was noticed and done while the picture and the trimap were read, and refined."""

    metadata: Metadata | None = None
    """Resolution and camera data of the picture, which files that are saved take over."""

    refinement: tuple[RefinementReport, ...] = ()
    """What backpropagating refinement did, one report per run of the network."""

    @classmethod
    def of(
        cls,
        picture: Picture,
        trimap: Trimap,
        *,
        alpha: FloatArray,
        foreground: FloatArray,
        reports: Sequence[RefinementReport] = (),
        seconds: dict[str, float] | None = None,
    ) -> Self:
        """Put together what was found for a picture.

        An opacity that the picture came with is multiplied into `alpha`, and the notes say so.
        """
        notes = [Note("picture", text) for text in picture.notes]
        if picture.alpha is not None and float(picture.alpha.min()) < 1:
            alpha = alpha * picture.alpha
            notes.append(Note("picture", "its own opacity is multiplied into the result"))
        notes += (Note("trimap", text) for text in trimap.warnings)
        notices = [report.notice for report in reports if report.notice]
        for notice in dict.fromkeys(notices):
            runs = f" (in {notices.count(notice)} of {len(reports)} runs)"
            notes.append(Note("refinement", notice + ("" if len(reports) == 1 else runs)))
        return cls(
            alpha=alpha,
            foreground=foreground,
            trimap=trimap,
            seconds=seconds or {},
            depth=picture.depth,
            linear=picture.linear,
            notes=tuple(notes),
            metadata=picture.metadata,
            refinement=tuple(reports),
        )

    def cutout(self) -> FloatArray:
        """Give the subject alone: H×W×4 straight RGBA, float32 in [0, 1]."""
        return straight_rgba(self.foreground, self.alpha)

    def composite(self, on: Backdrop) -> FloatArray:
        """Put the subject on something else.

        Parameters
        ----------
        on:
            A colour (`white`, `#2a6`, three numbers in [0, 1]) or a picture (a path, a PIL image,
            an array as for `Matting`), which is scaled to cover this one.

        Returns
        -------
        ndarray
            H×W×3 float32 in [0, 1].

        Raises
        ------
        ConfigError
            It is neither a file nor a colour.
        ImageError
            The picture cannot be read.
        """
        behind = fit_backdrop(read_backdrop(on), *self.alpha.shape)
        return composite(self.foreground, self.alpha, behind)

    def save(self, path: str | Path | BinaryIO, **options: Unpack[SaveOptions]) -> None:
        """Write the opacity as a grey picture.

        Parameters
        ----------
        path:
            The suffix decides the format. Or a file open in binary mode.
        options:
            See `SaveOptions`.

        Raises
        ------
        ImageError
            The file cannot be written, or its format has no such depth.
        """
        write_grey(path, self.alpha, metadata=self.metadata, **self._chosen(path, options))

    def save_cutout(self, path: str | Path | BinaryIO, **options: Unpack[SaveOptions]) -> None:
        """Write the subject as straight RGBA; options and errors are those of `save`."""
        self._save(path, self.foreground, options, alpha=self.alpha)

    def save_foreground(self, path: str | Path | BinaryIO, **options: Unpack[SaveOptions]) -> None:
        """Write the subject's colours as RGB; options and errors are those of `save`."""
        self._save(path, self.foreground, options)

    def save_composite(
        self, path: str | Path | BinaryIO, on: Backdrop, **options: Unpack[SaveOptions]
    ) -> None:
        """Write `composite(on)` as RGB; options and errors are those of `save`."""
        self._save(path, self.composite(on), options)

    def _save(
        self,
        path: str | Path | BinaryIO,
        pixels: FloatArray,
        options: SaveOptions,
        *,
        alpha: FloatArray | None = None,
    ) -> None:
        write_picture(
            path,
            pixels,
            alpha=alpha,
            linear=self.linear,
            metadata=self.metadata,
            **self._chosen(path, options),
        )

    def _chosen(self, path: str | Path | BinaryIO, options: SaveOptions) -> _Chosen:
        """Fill in the depth that was not asked for; TypeError if there is no such option."""
        if unknown := options.keys() - SaveOptions.__annotations__.keys():
            accepted = ", ".join(SaveOptions.__annotations__)
            raise TypeError(f"no such option: {', '.join(sorted(unknown))}; accepted: {accepted}")
        suffix = options.get("suffix")
        name = path if isinstance(path, str | Path) else f"stream{suffix or ''}"
        return {
            "depth": options.get("depth") or best_depth(name, self.depth),
            "quality": options.get("quality"),
            "suffix": suffix,
        }
