"""Options that more than one command has, each stated once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer


class Depth(StrEnum):
    """Bits per channel of an output file."""

    EIGHT = "8"
    SIXTEEN = "16"
    THIRTY_TWO = "32"

    @property
    def bits(self) -> Literal[8, 16, 32]:
        """Give the number."""
        numbers: dict[Depth, Literal[8, 16, 32]] = {
            Depth.EIGHT: 8,
            Depth.SIXTEEN: 16,
            Depth.THIRTY_TWO: 32,
        }
        return numbers[self]


class ForegroundMethod(StrEnum):
    """How the subject's own colours are found at its edge."""

    NONE = "none"
    ML = "ml"
    CLOSED_FORM = "closed-form"


WeightsOption = Annotated[
    str,
    typer.Option(help="Bundled name, folder, or Hugging Face repository (owner/name)."),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Processor threads; all of them if not given.")
]
ErodeOption = Annotated[
    int | None,
    typer.Option(min=0, help="With a mask: pixels that become unknown inside its edge [10]."),
]
DilateOption = Annotated[
    int | None,
    typer.Option(min=0, help="With a mask: pixels that become unknown outside its edge [10]."),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Largest picture that is opened, in pixels [200000000]."),
]

DEFAULT_BAND = 10
"""Pixels on either side of a mask's edge, if neither --erode nor --dilate says otherwise."""
