"""Writing a figure to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lsamatting.errors import ImageError
from lsamatting.replacing import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_figure(figure: Figure, path: Path, *, dpi: int) -> None:
    """Write a PNG file.

    Raises
    ------
    ImageError
        The disk refuses.
    """
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=dpi, format="png")
    except OSError as error:
        raise ImageError(f"{path}: cannot be written ({error.strerror or error})") from None
