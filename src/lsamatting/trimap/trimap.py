"""Trimaps: what is known to be background, known to be foreground, and unknown."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lsamatting.errors import ConfigError, ImageError, TrimapError, TrimapWarning
from lsamatting.formats.decode import describe
from lsamatting.images import DEFAULT_MAX_PIXELS, Picture, read_grey, read_picture, write_grey
from lsamatting.trimap.band import default_width, details
from lsamatting.trimap.boundary import two_sided_boundary
from lsamatting.trimap.coding import read_mask_values, read_trimap_codes

if TYPE_CHECKING:
    from lsamatting.images import Source

BACKGROUND, UNKNOWN, FOREGROUND = 0, 128, 255
_INEXACT = (".jpg", ".jpeg", ".exr")
"""Formats that change values, or mean light by them."""

Mask = npt.NDArray[np.bool_]


def check_format(path: Path) -> None:
    """Raise ImageError for a file whose format changes a trimap's values."""
    if path.suffix.lower() in _INEXACT:
        raise ImageError(f"{path}: a trimap needs .png, .tif, .tiff, .webp or .bmp")


class TrimapCounts(NamedTuple):
    """Number of pixels of each kind."""

    background: int
    unknown: int
    foreground: int


@dataclass(frozen=True, eq=False)
class Trimap:
    """A map of known and unknown pixels.

    Attributes
    ----------
    values
        HxW uint8 of 0 (background), 128 (unknown) and 255 (foreground).
    warnings
        What looked odd, one sentence each.

    Raises
    ------
    TrimapError
        The values have another shape, dtype or content.
    """

    values: npt.NDArray[np.uint8]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        values = self.values
        if values.ndim != 2 or values.size == 0 or values.dtype != np.uint8:
            raise TrimapError(
                f"trimap of shape {values.shape} and dtype {values.dtype};"
                " accepted is HxW uint8 with at least one pixel"
            )
        if sum(self.counts) != values.size:
            raise TrimapError(
                f"trimap values are {BACKGROUND}, {UNKNOWN} and {FOREGROUND} only;"
                " Trimap.from_array sorts other values"
            )

    # ---- ways to make one ----

    @classmethod
    def read(
        cls,
        source: Source,
        *,
        background_below: float = 85,
        foreground_above: float = 170,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Trimap:
        """Read a trimap of any depth.

        On the scale from 0 to 255, values below `background_below` are background, values above
        `foreground_above` are foreground and the rest is unknown. The codings 0, 1, 2 and -1, 0, 1
        are recognised.

        Parameters
        ----------
        source
            Whatever `lsamatting.images.read_picture` reads, grey; of a picture with transparency
            the opacity counts if it varies.
        background_below, foreground_above
            Thresholds, 0 <= background_below <= foreground_above <= 255.
        max_pixels
            Larger files are refused.

        Raises
        ------
        ImageError
            The file cannot be read.
        TrimapError
            It is coloured, or its numbers are no coding that is known.
        ConfigError
            The thresholds are out of order.

        Warns
        -----
        TrimapWarning
            It lacks a kind of pixel, or has further greys.
        """
        values, odd = _sort(source, background_below, foreground_above, max_pixels)
        return _told(cls(values, odd), source)

    @classmethod
    def from_array(
        cls,
        array: npt.NDArray[Any],
        *,
        background_below: float = 85,
        foreground_above: float = 170,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Trimap:
        """Sort the values of an array; as `read`."""
        values, odd = _sort(array, background_below, foreground_above, max_pixels)
        return _told(cls(values, odd), array)

    @classmethod
    def from_mask(
        cls,
        mask: Source,
        *,
        image: Source | Picture | None = None,
        erode: int | None = None,
        dilate: int | None = None,
        low: float = 0.05,
        high: float = 0.95,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Trimap:
        """Make a trimap around the edge of a soft or hard mask.

        Foreground is every pixel that has only mask values >= `high` within `erode` pixels
        (Euclidean), background every pixel that has only values <= `low` within `dilate` pixels.
        With the picture, what stands out of the mask or lies open in it is unknown too.

        Parameters
        ----------
        mask
            HxW float in [0, 1], bool, uint8 or uint16, or a file (of a cutout, its opacity).
        image
            The picture, as a `Picture` or whatever `lsamatting.images.read_picture` reads: for
            whiskers, hair and chains that a rough mask passes over, see `lsamatting.trimap.band`.
        erode, dilate
            Reach of the unknown band into the object and away from it, in pixels, >= 0. If not
            given, 2 % of the subject's size, which is the side of a square of its area.
        low, high
            Mask values that count as certain, 0 <= low < high <= 1.
        max_pixels
            Larger files are refused.

        Raises
        ------
        ImageError
            The mask or the picture cannot be read.
        TrimapError
            The mask is coloured, or not of the picture's size.
        ConfigError
            An option is out of range.

        Warns
        -----
        TrimapWarning
            The trimap lacks a kind of pixel.
        """
        _check_levels(low, high)
        for name, width in (("erode", erode), ("dilate", dilate)):
            if width is not None and width < 0:
                raise ConfigError(f"{name} {width} must not be negative")
        soft = read_mask_values(mask, max_pixels=max_pixels)
        colours = None if image is None else _colours(image, max_pixels)
        if image is not None and colours is not None and colours.shape[:2] != soft.shape:
            raise TrimapError(
                f"{_called(mask, 'the mask')} is {_size(soft.shape)} pixels but"
                f" {_called(image, 'the picture')} is {_size(colours.shape)}; they must be equal"
            )
        inside = soft > 0.5
        width = default_width(inside)
        erode, dilate = (width if given is None else given for given in (erode, dilate))
        values = np.full(soft.shape, UNKNOWN, np.uint8)
        values[_beyond(soft > low, dilate)] = BACKGROUND
        values[_beyond(soft < high, erode)] = FOREGROUND
        if colours is not None:
            values[details(colours, inside, width=max(erode, dilate))] = UNKNOWN
        return _told(cls(values, _missing_kinds(values, float(soft.max()) * 255)), mask)

    @classmethod
    def from_strokes(
        cls,
        image: Source | Picture,
        *,
        foreground: Mask,
        background: Mask,
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Trimap:
        """Propose a trimap from a few scribbles on the subject and on what is behind it.

        Quick enough to follow a brush; see `lsamatting.trimap.proposal`.

        Parameters
        ----------
        image
            The picture, as a `Picture` or whatever `lsamatting.images.read_picture` reads.
        foreground, background
            HxW bool, True where a stroke was drawn. Strokes are what they say. Without any on the
            background the picture's frame is taken for it.
        max_pixels
            Larger files are refused.

        Raises
        ------
        ImageError
            The picture cannot be read.
        TrimapError
            A mask has another size, the strokes overlap, or none is on the subject.
        """
        from lsamatting.trimap.proposal import propose_trimap

        colours = _colours(image, max_pixels)
        return propose_trimap(colours, foreground=foreground, background=background)

    @classmethod
    def from_known(cls, shape: tuple[int, int], *, foreground: Mask, background: Mask) -> Trimap:
        """Make a trimap in which all but the marked pixels are unknown.

        Parameters
        ----------
        shape
            Height and width.
        foreground, background
            HxW bool, True where a stroke was drawn.

        Raises
        ------
        TrimapError
            A mask has another size, or the strokes overlap.
        """
        for name, mask in (("foreground", foreground), ("background", background)):
            if mask.shape != tuple(shape):
                raise TrimapError(
                    f"{name} strokes are {_size(mask.shape)} pixels, the image is {_size(shape)}"
                )
        front, back = foreground.astype(bool), background.astype(bool)
        overlap = int(np.count_nonzero(front & back))
        if overlap:
            raise TrimapError(f"foreground and background strokes overlap in {overlap} pixels")
        values = np.full(shape, UNKNOWN, np.uint8)
        values[back] = BACKGROUND
        values[front] = FOREGROUND
        return cls(values, _missing_kinds(values))

    @classmethod
    def from_alpha(
        cls, alpha: Source, *, band: float = 15, low: float = 0.05, high: float = 0.95
    ) -> Trimap:
        """Make the trimap that a known matte is evaluated with.

        Unknown is everything within `band` pixels (Euclidean) of a pixel with low < alpha < high
        or of the contour alpha = 0.5, that is of a pixel that has a 4-neighbour on the other side
        of 0.5. Of the other pixels those with alpha > 0.5 are foreground.

        Raises
        ------
        ImageError
            The matte cannot be read.
        ConfigError
            An option is out of range.
        """
        _check_levels(low, high)
        if band < 0:
            raise ConfigError(f"band {band:g} must not be negative")
        matte, _ = read_grey(alpha)
        inside = matte > 0.5
        seeds = ((matte > low) & (matte < high)) | two_sided_boundary(inside)
        values = np.where(inside, FOREGROUND, BACKGROUND).astype(np.uint8)
        values[~_beyond(seeds, band)] = UNKNOWN
        return cls(values, _missing_kinds(values))

    # ---- what it tells ----

    @property
    def background(self) -> Mask:
        """HxW bool."""
        return np.asarray(self.values == BACKGROUND)

    @property
    def unknown(self) -> Mask:
        """HxW bool."""
        return np.asarray(self.values == UNKNOWN)

    @property
    def foreground(self) -> Mask:
        """HxW bool."""
        return np.asarray(self.values == FOREGROUND)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.values.shape[1], self.values.shape[0]

    @cached_property
    def counts(self) -> TrimapCounts:
        """How many pixels there are of each kind."""
        kinds = (BACKGROUND, UNKNOWN, FOREGROUND)
        return TrimapCounts(*(int(np.count_nonzero(self.values == kind)) for kind in kinds))

    def describe(self) -> str:
        """Say size and pixel counts in one line."""
        total = self.values.size
        parts = (
            f"{count} {kind} ({100 * count / total:.1f} %)"
            for kind, count in zip(self.counts._fields, self.counts, strict=True)
        )
        return f"{_size(self.values.shape)} pixels: {', '.join(parts)}"

    def check_size(
        self, shape: tuple[int, int], name: str = "the image", *, called: str = "the trimap"
    ) -> None:
        """Raise TrimapError unless the trimap has this height and width.

        `name` and `called` are what the message calls the image and the trimap.
        """
        if self.values.shape != tuple(shape[:2]):
            raise TrimapError(
                f"{called} is {_size(self.values.shape)} pixels but {name} is {_size(shape)};"
                " they must be equal"
            )

    def boundary(self, region: Literal["foreground", "background"]) -> Mask:
        """Return the boundary of a known region, one pixel wide on both sides, as HxW bool.

        It holds the pixels i for which {i} and its 4-neighbours meet the region and its
        complement. Outside the picture there is nothing.
        """
        if region not in ("foreground", "background"):
            raise ConfigError(f"region '{region}'; accepted are foreground and background")
        return two_sided_boundary(self.foreground if region == "foreground" else self.background)

    def write(self, path: str | Path | BinaryIO, *, suffix: str | None = None) -> None:
        """Write the values 0, 128 and 255 into an 8-bit file that keeps them exactly.

        The suffix of the path says the format, or `suffix` that of a file open in binary mode.

        Raises
        ------
        ImageError
            The format would change values, or the file cannot be written.
        """
        if isinstance(path, str | Path):
            check_format(Path(path))
        elif suffix is not None:
            check_format(Path(f"stream{suffix}"))
        write_grey(path, self.values.astype(np.float32) / np.float32(255), suffix=suffix)


def _sort(
    source: Source, background_below: float, foreground_above: float, max_pixels: int
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Give the three values by the thresholds, and what is odd."""
    if not 0 <= background_below <= foreground_above <= 255:
        raise ConfigError(
            f"trimap thresholds {background_below:g} and {foreground_above:g};"
            " accepted is 0 <= background_below <= foreground_above <= 255"
        )
    stored, top = read_trimap_codes(source, max_pixels=max_pixels)
    if stored.dtype.kind == "f":
        grey = _on_grid(stored)
        values = _sorted(grey, background_below, foreground_above)
        found = np.rint(grey * 257).astype(np.int32).ravel()
        distinct, brightest = int(np.count_nonzero(np.bincount(found))), float(grey.max())
    else:
        # Each number is looked at once, however many pixels have it.
        greys = _on_grid(np.arange(np.iinfo(stored.dtype).max + 1, dtype=np.float32) / top)
        values = _sorted(greys, background_below, foreground_above)[stored]
        held = np.zeros(len(greys), np.int64)
        for row in np.array_split(stored, max(stored.size >> 20, 1)):
            held += np.bincount(row.ravel(), minlength=len(greys))
        distinct, brightest = int(np.count_nonzero(held)), float(greys[np.flatnonzero(held)[-1]])
    odd: list[str] = []
    if distinct > 3:
        odd.append(
            f"it has {distinct} different values instead of 3; below {background_below:g}"
            f" counts as background, above {foreground_above:g} as foreground"
        )
    advice = "; if it is a mask, give it with --mask, in Python to Trimap.from_mask"
    return values, (*odd, *_missing_kinds(values, brightest, advice=advice))


def _on_grid(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Bring greys in [0, 1] to the scale from 0 to 255.

    On the grid of 16 bits (which holds that of 8) thresholds are hit without rounding error.
    """
    return np.asarray(np.rint(grey * np.float32(65535)) / np.float32(257), np.float32)


def _sorted(
    grey: npt.NDArray[np.float32], background_below: float, foreground_above: float
) -> npt.NDArray[np.uint8]:
    values = np.full(grey.shape, UNKNOWN, np.uint8)
    values[grey < background_below] = BACKGROUND
    values[grey > foreground_above] = FOREGROUND
    return values


def _told(trimap: Trimap, source: Any) -> Trimap:
    """Warn of what is odd, in the line of the caller's caller; the command line has its own way."""
    for message in trimap.warnings:
        warnings.warn(f"{describe(source)}: {message}", TrimapWarning, stacklevel=3)
    return trimap


def _colours(image: Source | Picture, max_pixels: int) -> npt.NDArray[Any]:
    """Give a picture as HxWx3 float in [0, 1], or as the uint8 array that it is."""
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape[2:] == (3,):
        return image  # the editor's, at every stroke: as floats it would take longer
    picture = image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
    return picture.visible()


def _called(source: Source | Picture, otherwise: str) -> str:
    """Name a file in a message; what has no name is called `otherwise`."""
    if isinstance(source, Picture):
        return str(source.path or otherwise)
    if isinstance(source, str | Path):
        return str(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else otherwise


def _beyond(region: Mask, distance: float) -> Mask:
    """Tell which pixels are further than `distance` (Euclidean) from every pixel of the region."""
    import cv2

    away = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away > distance)


def _missing_kinds(
    values: npt.NDArray[np.uint8], brightest: float | None = None, *, advice: str = ""
) -> tuple[str, ...]:
    """Say what is odd; `advice` goes on where both known kinds are there and nothing is unknown."""
    missing = [
        name
        for name, kind in (
            ("foreground", FOREGROUND),
            ("background", BACKGROUND),
            ("unknown", UNKNOWN),
        )
        if not np.any(values == kind)
    ]
    messages = [f"it has no {name} pixel" for name in missing]
    if missing == ["unknown"]:
        messages = [f"it has no unknown pixel, so nothing is estimated{advice}"]
    if brightest is not None and 0 < brightest <= 2:
        messages.append(f"its largest value is {brightest:g} on a scale from 0 to 255")
    return tuple(messages)


def _check_levels(low: float, high: float) -> None:
    if not 0 <= low < high <= 1:
        raise ConfigError(f"low {low:g} and high {high:g}; accepted is 0 <= low < high <= 1")


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}"
