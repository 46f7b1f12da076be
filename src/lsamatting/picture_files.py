"""Files that are pictures: known by their names, found in folders, checked before writing."""

from __future__ import annotations

import os
from pathlib import Path

from lsamatting.choices import Depth
from lsamatting.errors import ImageError
from lsamatting.extras import require

# Depths that a suffix can hold. OpenEXR is always 32-bit float, whatever is asked.
_DEPTHS: dict[str, tuple[Depth, ...]] = {
    ".png": (8, 16),
    ".jpg": (8,),
    ".jpeg": (8,),
    ".webp": (8,),
    ".tif": (8, 16, 32),
    ".tiff": (8, 16, 32),
    ".bmp": (8,),
    ".exr": (8, 16, 32),
}
_WITHOUT_ALPHA = (".jpg", ".jpeg", ".bmp")
LOSSY_SUFFIXES = (".jpg", ".jpeg", ".webp")
"""Formats that `quality` means something to."""
READABLE_SUFFIXES = (
    *_DEPTHS,
    ".jpe", ".jfif", ".dib", ".avif", ".avifs", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc",
    ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".vda", ".icb", ".vst",
)  # fmt: skip
"""Suffixes that count as pictures, in any case."""


def is_picture(path: Path) -> bool:
    """Tell by its suffix whether a path names a picture."""
    return path.suffix.lower() in READABLE_SUFFIXES


def pictures_in(folder: Path, *, recursive: bool = False) -> list[Path]:
    """List the pictures in a folder, sorted by name; hidden files are passed over.

    `recursive` lists those of the folders in it too, except of hidden ones.
    """
    files = files_in(folder, recursive=recursive)
    return [file for file in files if is_picture(file) and file.is_file()]


def files_in(folder: Path, *, recursive: bool = False) -> list[Path]:
    """List the files in a folder, broken links too, as `pictures_in` does."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        # A linked folder might lead back here.
        if entry.is_dir():
            if recursive and not entry.is_symlink():
                found += files_in(entry, recursive=True)
        else:
            found.append(entry)
    return found


def best_depth(path: str | Path, wanted: Depth) -> Depth:
    """Return the largest depth up to `wanted` that the suffix of the path can hold."""
    able = _DEPTHS.get(Path(path).suffix.lower(), (8,))
    return max(depth for depth in able if depth <= wanted)


def check_destination(
    path: str | Path, *, alpha: bool = False, depth: int | None = None, parent_exists: bool = True
) -> None:
    """Raise ImageError unless a picture can be written there.

    Parameters
    ----------
    path
        The suffix is checked, the folder too, and that it is not itself a folder.
    alpha
        The format must hold transparency.
    depth
        The format must hold so many bits per sample.
    parent_exists
        Ask for the folder to be there already.
    """
    path = Path(path)
    if path.is_dir():
        raise ImageError(f"{path}: is a folder; a file name is needed")
    check_format(str(path), path.suffix, alpha=alpha, depth=depth)
    if path.exists() and not os.access(path, os.W_OK):
        raise ImageError(f"{path}: cannot be replaced (no permission to write)")
    if path.parent.is_dir():
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ImageError(f"{path}: the folder {path.parent} cannot be written to")
    elif parent_exists:
        raise ImageError(f"{path}: the folder {path.parent} does not exist")


def check_format(name: str, ending: str, *, alpha: bool, depth: int | None) -> None:
    """Raise ImageError unless a suffix names a format that holds what is to be written.

    `name` is what the message calls it; `alpha` and `depth` are those of `check_destination`.
    """
    suffix = ending.lower()
    if suffix not in _DEPTHS:
        able = ", ".join(_DEPTHS)
        raise ImageError(f"{name}: unknown file type '{ending}'; accepted are {able}")
    if depth is not None and depth not in _DEPTHS[suffix]:
        able = ", ".join(other for other, depths in _DEPTHS.items() if depth in depths)
        hint = f"; {depth} bits go into {able}" if able else ""
        here = " or ".join(map(str, _DEPTHS[suffix]))
        raise ImageError(f"{name}: {suffix} holds {here} bits, not {depth}{hint}")
    if alpha and suffix in _WITHOUT_ALPHA:
        able = ", ".join(other for other in _DEPTHS if other not in _WITHOUT_ALPHA)
        raise ImageError(f"{name}: {suffix} cannot hold transparency; accepted are {able}")
    if suffix == ".exr":
        require("exr", f"{name}: OpenEXR")
