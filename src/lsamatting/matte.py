"""What a user gets: a picture taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lsamatting.choices import Depth
from lsamatting.compositing.backdrop import fit_backdrop, read_backdrop
from lsamatting.compositing.equation import composite, cutout
from lsamatting.images import Picture, best_depth, write_grey, write_picture
from lsamatting.trimap import Trimap

if TYPE_CHECKING:
    from lsamatting.inference.refinement.report import RefinementReport

FloatArray = NDArray[np.float32]
Backdrop = str | Path | Image.Image | ArrayLike


@dataclass(frozen=True)
class Note:
    """Something that the user should know of a matte."""

    source: Literal["picture", "trimap", "refinement"]
    """What it is about."""

    text: str
    """In one line."""

    def __str__(self) -> str:
        return self.text


def notes_of(
    picture: Picture, trimap: Trimap, reports: Sequence[RefinementReport]
) -> tuple[Note, ...]:
    """Collect the notes of a matte; each of refinement once, and of how many runs it is true."""
    notices = [report.notice for report in reports if report.notice]
    told = [
        notice
        if len(reports) == 1
        else f"{notice} (in {notices.count(notice)} of {len(reports)} runs)"
        for notice in dict.fromkeys(notices)
    ]
    return (
        *(Note("picture", text) for text in picture.notes),
        *(Note("trimap", text) for text in trimap.warnings),
        *(Note("refinement", text) for text in told),
    )


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

    refinement: tuple[RefinementReport, ...] = ()
    """What backpropagating refinement did, one report per run of the network."""

    def cutout(self) -> FloatArray:
        """Give the subject alone: H×W×4 straight RGBA, float32 in [0, 1]."""
        return cutout(self.foreground, self.alpha)

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

    def save(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the opacity as a grey picture.

        Parameters
        ----------
        path:
            The suffix decides the format.
        depth:
            8, 16 or 32 bits; the picture's own, as far as the format can, if not given.

        Raises
        ------
        ImageError
            The file cannot be written, or its format has no such depth.
        """
        write_grey(path, self.alpha, depth=depth or best_depth(path, self.depth))

    def save_cutout(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the subject as straight RGBA; options and errors are those of `save`."""
        write_picture(
            path,
            self.foreground,
            alpha=self.alpha,
            depth=depth or best_depth(path, self.depth),
            linear=self.linear,
        )

    def save_foreground(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the subject's colours as RGB; options and errors are those of `save`."""
        self._save_rgb(path, self.foreground, depth)

    def save_composite(self, path: str | Path, on: Backdrop, *, depth: Depth | None = None) -> None:
        """Write `composite(on)` as RGB; options and errors are those of `save`."""
        self._save_rgb(path, self.composite(on), depth)

    def _save_rgb(self, path: str | Path, pixels: FloatArray, depth: Depth | None) -> None:
        write_picture(path, pixels, depth=depth or best_depth(path, self.depth), linear=self.linear)
