"""Composition-1k, made from Adobe's foregrounds and named backgrounds as Adobe's script makes it.

What that script does, and where the facts come from, is told in docs/composition.md. Pillow reads
every picture here, not `lsamatting.images`: colour profiles and EXIF orientation are not applied,
because the script does not apply them either.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lsamatting.data.progress import progress_bar
from lsamatting.errors import ConfigError, DatasetError, ImageError
from lsamatting.formats.encode import encode
from lsamatting.formats.raster import DAMAGE
from lsamatting.picture_files import pictures_in
from lsamatting.processes import in_processes, worker_count
from lsamatting.replacing import replacing

Bytes = NDArray[np.uint8]
Size = tuple[int, int]

PER_FOREGROUND = 20

# Changes whenever the same files give other composites.
VERSION = 1

# Composites are computed in strips: in double precision a whole large picture would take gigabytes.
_STRIP_ROWS = 128
_ALPHA_MODES = ("1", "L", "LA", "RGB", "RGBA")
_COLOUR_MODES = (*_ALPHA_MODES, "P", "CMYK", "YCbCr")


def enlarged_size(foreground: Size, background: Size) -> Size:
    """Give the size to which a background is enlarged before it is cropped.

    Both sides are multiplied by the larger of the two ratios of width and height and rounded up,
    in double precision: where the product lies a rounding error above a whole number, the result
    is one pixel more, as in Adobe's script. A background that covers the foreground stays as it is.

    Parameters
    ----------
    foreground, background
        Width and height in pixels.

    Returns
    -------
    tuple[int, int]
        Width and height; neither is smaller than the foreground's.
    """
    ratio = max(foreground[0] / background[0], foreground[1] / background[1])
    if ratio <= 1:
        return background
    return math.ceil(background[0] * ratio), math.ceil(background[1] * ratio)


def composite_adobe(foreground: Bytes, alpha: Bytes, background: Image.Image | Bytes) -> Bytes:
    """Lay a foreground over a background as Adobe's script does.

    The background is enlarged (`enlarged_size`, Pillow's bicubic filter) and cropped at its upper
    left corner; alpha F + (1 - alpha) B is computed in double precision and cut off, not rounded.

    Parameters
    ----------
    foreground
        HxWx3 uint8, RGB.
    alpha
        HxW uint8; 255 is opaque.
    background
        A Pillow image of any mode, or HxWx3 uint8, RGB; of any size.

    Returns
    -------
    numpy.ndarray
        HxWx3 uint8.

    Raises
    ------
    ImageError
        The sizes of foreground and alpha differ.
    """
    height, width = foreground.shape[:2]
    if alpha.shape != (height, width):
        raise ImageError(
            f"alpha is {alpha.shape[1]}x{alpha.shape[0]} pixels"
            f" but the foreground is {width}x{height}"
        )
    picture = background if isinstance(background, Image.Image) else Image.fromarray(background)
    picture = picture.convert("RGB")
    size = enlarged_size((width, height), picture.size)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    behind = np.asarray(picture.crop((0, 0, width, height)))
    result = np.empty_like(foreground)
    for top in range(0, height, _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        weight = alpha[strip, :, None] / 255
        # The order of the operations decides about the last bit, and so about what is cut off.
        exact = weight * foreground[strip] + (1 - weight) * behind[strip]
        result[strip] = exact.astype(np.uint8)
    return result


@dataclass(frozen=True)
class Composition:
    """Which pictures are composed, and where they lie.

    Composite k of foreground i takes background `per_foreground` * i + k of the list, and is
    named after the foreground and k, both counted from 0.

    Attributes
    ----------
    foregrounds, alphas, backgrounds
        Folders. An alpha has its foreground's name.
    foreground_names, background_names
        File names in the order of Adobe's lists.
    trimaps
        Folder of one trimap per composite, named like it, or None.
    """

    foregrounds: Path
    alphas: Path
    backgrounds: Path
    foreground_names: tuple[str, ...]
    background_names: tuple[str, ...]
    trimaps: Path | None = None
    per_foreground: int = PER_FOREGROUND

    def __len__(self) -> int:
        return len(self.background_names)

    def foreground_name(self, index: int) -> str:
        """Give the file of the foreground in composite `index`."""
        return self.foreground_names[index // self.per_foreground]

    def name(self, index: int) -> str:
        """Give the file name of composite `index`, and of its trimap."""
        stem = Path(self.foreground_name(index)).stem
        return f"{stem}_{index % self.per_foreground}.png"

    def check(self) -> list[Size]:
        """Check all that is wanted before anything is computed.

        Returns
        -------
        list[tuple[int, int]]
            Width and height of each foreground.

        Raises
        ------
        ConfigError
            Fewer than one background is wanted per foreground.
        DatasetError
            A list is empty, of the wrong length or names a foreground twice; a file is missing, is
            no picture or of a mode that does not fit; an alpha or a trimap has another size than
            its foreground.
        """
        self._check_lists()
        sizes = []
        for name in self.foreground_names:
            size = _size(self.foregrounds / name, _COLOUR_MODES)
            _check_equal(self.alphas / name, size, "its foreground", _ALPHA_MODES)
            sizes.append(size)
        for name in dict.fromkeys(self.background_names):
            _size(self.backgrounds / name, _COLOUR_MODES)
        if self.trimaps is not None:
            for index in range(len(self)):
                size = sizes[index // self.per_foreground]
                _check_equal(self.trimaps / self.name(index), size, "its foreground")
        return sizes

    def _check_lists(self) -> None:
        if self.per_foreground < 1:
            raise ConfigError(
                f"{self.per_foreground} backgrounds per foreground: at least 1 is wanted"
            )
        count, wanted = len(self), len(self.foreground_names) * self.per_foreground
        if count != wanted or not wanted:
            raise DatasetError(
                f"the lists name {len(self.foreground_names)} foregrounds and {count} backgrounds;"
                f" {self.per_foreground} backgrounds per foreground need {wanted or 'some of both'}"
            )
        seen: dict[str, str] = {}
        for name in self.foreground_names:
            other = seen.setdefault(Path(name).stem, name)
            if other is not name:
                raise DatasetError(
                    f"the list of foregrounds names {other} and {name}, whose composites would"
                    " have the same names; each may stand there once"
                )


def read_names(path: Path) -> tuple[str, ...]:
    """Read a list of file names, one a line; empty lines and spaces at the ends do not count.

    Raises
    ------
    DatasetError
        The list cannot be read, or a line is not the name of a file alone.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path}: not a text file; one file name a line is wanted") from None
    names = [line.strip() for line in text.splitlines()]
    for number, name in enumerate(names, start=1):
        if name in (".", "..") or "/" in name or "\\" in name:
            raise DatasetError(f"{path}: line {number} is '{name}', not the name of a file alone")
    return tuple(name for name in names if name)


def compose_dataset(
    out: Path, composition: Composition, *, workers: int | None = None, progress: bool = True
) -> int:
    """Write a composed test set.

    out/merged/STEM_K.png, RGB; out/alpha/STEM.png, grey, one per foreground; out/trimaps/STEM_K.png
    if there are trimaps; out/composition.json, what it was made of. Finished files of the right
    size are kept, so a broken run resumes. The pixels depend on the sources alone.

    Parameters
    ----------
    out
        Folder, made if it is not there.
    composition
        What is composed.
    workers
        Processes; one per processor if None.
    progress
        Show a progress bar.

    Returns
    -------
    int
        Number of composites that had to be made; the others were there already.

    Raises
    ------
    ConfigError
        Fewer than one process, or as for `Composition.check`.
    DatasetError
        As for `Composition.check`; `out` holds a set made of something else, or pictures that do
        not belong to it; a source is damaged; a file cannot be written.
    """
    workers = worker_count(workers)
    sizes = composition.check()
    _prepare(out, composition)
    jobs = []
    for index in range(len(composition)):
        missing = _missing(out, composition, index, sizes[index // composition.per_foreground])
        if missing:
            jobs.append((index, missing))
    with (
        progress_bar("composites", len(jobs), shown=progress) as advance,
        in_processes(partial(_do, out, composition), jobs, workers=workers) as results,
    ):
        for _ in results:
            advance()
    _check_output(out, composition, sizes)
    return sum("merged" in missing for _, missing in jobs)


def _folders(composition: Composition) -> tuple[str, ...]:
    return ("merged", "alpha") if composition.trimaps is None else ("merged", "alpha", "trimaps")


def _expected(composition: Composition) -> dict[str, set[str]]:
    """Name the files of each folder."""
    composites = {composition.name(index) for index in range(len(composition))}
    alphas = {f"{Path(name).stem}.png" for name in composition.foreground_names}
    return {"merged": composites, "alpha": alphas, "trimaps": composites}


def _prepare(out: Path, composition: Composition) -> None:
    """Make the folders and composition.json, or check that what is there belongs together."""
    described = {
        "version": VERSION,
        "list_of_foregrounds": _digest(composition.foreground_names),
        "list_of_backgrounds": _digest(composition.background_names),
        "per_foreground": composition.per_foreground,
    }
    path = out / "composition.json"
    # Without a description, files may be of the right names and sizes and yet made otherwise.
    expected: dict[str, set[str]] = {folder: set() for folder in _folders(composition)}
    if path.exists():
        expected = _expected(composition)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise DatasetError(f"{path}: not a description of a composed set (damaged file?)")
        for key, wanted in described.items():
            if found.get(key) != wanted:
                what = key.replace("_", " ")
                raise DatasetError(f"{path}: made with another {what}; choose another folder")
    try:
        for folder in _folders(composition):
            (out / folder).mkdir(parents=True, exist_ok=True)
            strangers = [p for p in pictures_in(out / folder) if p.name not in expected[folder]]
            if strangers:
                raise DatasetError(
                    f"{strangers[0]}: not written by this command ({len(strangers)} such files);"
                    " choose another folder"
                )
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{out}: cannot be written to ({error.strerror})") from None


def _digest(names: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _missing(out: Path, composition: Composition, index: int, size: Size) -> tuple[str, ...]:
    """Name the folders whose file of job `index` is not there, or is of another size."""
    outputs = _outputs(out, composition, index)
    return tuple(folder for folder, path in outputs.items() if not _has_size(path, size))


def _outputs(out: Path, composition: Composition, index: int) -> dict[str, Path]:
    """Give the files that job `index` answers for, by folder."""
    name = composition.name(index)
    paths = {"merged": out / "merged" / name}
    if composition.trimaps is not None:
        paths["trimaps"] = out / "trimaps" / name
    if index % composition.per_foreground == 0:
        stem = Path(composition.foreground_name(index)).stem
        paths["alpha"] = out / "alpha" / f"{stem}.png"
    return paths


def _do(out: Path, composition: Composition, job: tuple[int, tuple[str, ...]]) -> None:
    """Write a composite, and what goes with it: its index and the folders that lack it."""
    index, missing = job
    name = composition.foreground_name(index)
    outputs = _outputs(out, composition, index)
    if "trimaps" in missing and composition.trimaps is not None:
        _copy(composition.trimaps / outputs["trimaps"].name, outputs["trimaps"])
    if missing == ("trimaps",):
        return
    foreground, alpha = _read_foreground(composition.foregrounds / name, composition.alphas / name)
    if "alpha" in missing:
        encode(outputs["alpha"], alpha[..., None])
    if "merged" in missing:
        background = _load(composition.backgrounds / composition.background_names[index])
        encode(outputs["merged"], composite_adobe(foreground, alpha, background))


def _copy(source: Path, target: Path) -> None:
    try:
        with replacing(target) as temporary:
            temporary.write_bytes(source.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{source}: cannot be copied to {target.parent} ({error.strerror})"
        ) from None


# Jobs come in the order of the foregrounds: one is decoded once per process, not 20 times.
@lru_cache(maxsize=1)
def _read_foreground(colours: Path, opacity: Path) -> tuple[Bytes, Bytes]:
    foreground = np.asarray(_load(colours).convert("RGB"))
    picture = _load(opacity)
    # Adobe's script takes the first channel; that of a black and white picture is 0 or 255.
    first = picture.convert("L") if picture.mode == "1" else picture.getchannel(0)
    return foreground, np.asarray(first)


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file") from None
    except DAMAGE as error:
        raise DatasetError(f"{path}: not a picture that can be read ({error})") from None


def _load(path: Path) -> Image.Image:
    with _open(path) as picture:
        try:
            picture.load()
        except DAMAGE as error:
            raise DatasetError(f"{path}: the file is damaged or truncated ({error})") from None
        return picture


def _size(path: Path, modes: tuple[str, ...] | None = None) -> Size:
    """Read width and height from a file's first bytes; refuse modes other than the given."""
    with _open(path) as picture:
        if modes is not None and picture.mode not in modes:
            raise DatasetError(
                f"{path}: a picture of Pillow's mode {picture.mode};"
                f" accepted are {', '.join(modes)}"
            )
        return picture.size


def _check_equal(
    path: Path, wanted: Size, called: str, modes: tuple[str, ...] | None = None
) -> None:
    found = _size(path, modes)
    if found != wanted:
        raise DatasetError(
            f"{path}: is {found[0]}x{found[1]} pixels but {called} is {wanted[0]}x{wanted[1]}"
        )


def _has_size(path: Path, size: Size) -> bool:
    try:
        return _size(path) == size
    except DatasetError:
        return False


def _check_output(out: Path, composition: Composition, sizes: list[Size]) -> None:
    """Look at what was written: every file there, of the size of its foreground, and no other."""
    expected = _expected(composition)
    for folder in _folders(composition):
        count = len(pictures_in(out / folder))
        if count != len(expected[folder]):
            raise DatasetError(
                f"{out / folder}: holds {count} pictures, not {len(expected[folder])};"
                " something else writes there"
            )
    for index in range(len(composition)):
        size = sizes[index // composition.per_foreground]
        for path in _outputs(out, composition, index).values():
            _check_equal(path, size, "its foreground")
