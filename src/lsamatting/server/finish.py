"""The last adjustments of a matte: its edge moved, softened and steepened, its colours cleaned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError

FloatArray = NDArray[np.float32]

MOST_SHIFT = 50.0
MOST_FEATHER = 50.0


@dataclass(frozen=True)
class Finish:
    """How a matte is finished; the default leaves it as it is.

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    shift: float = 0.0
    """Pixels by which the subject grows, or shrinks if negative."""

    feather: float = 0.0
    """Standard deviation of a Gaussian blur, in pixels."""

    low: float = 0.0
    """Opacity that becomes 0."""

    high: float = 1.0
    """Opacity that becomes 1."""

    decontaminate: float = 1.0
    """Share of the estimated foreground in the subject's colours; the rest is the picture's."""

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("shift", self.shift, -MOST_SHIFT, MOST_SHIFT),
            ("feather", self.feather, 0.0, MOST_FEATHER),
            ("decontaminate", self.decontaminate, 0.0, 1.0),
        ):
            if not least <= value <= most:
                raise ConfigError(f"{name} is from {least:g} to {most:g}, found {value:g}")
        if not 0 <= self.low < self.high <= 1:
            raise ConfigError(
                f"low {self.low:g} and high {self.high:g}; accepted is 0 <= low < high <= 1"
            )

    def scaled(self, scale: float) -> Finish:
        """Give what looks the same on a picture scaled by a factor."""
        return replace(self, shift=self.shift * scale, feather=self.feather * scale)

    @property
    def reach(self) -> int:
        """Pixels of surroundings on which a finished pixel depends."""
        return math.ceil(abs(self.shift)) + math.ceil(4 * self.feather) + 1

    def alpha(self, alpha: FloatArray) -> FloatArray:
        """Finish a matte, H×W float32 in [0, 1]: shifted, then feathered, then steepened."""
        result = _shifted(alpha, self.shift)
        if self.feather > 0:
            import cv2

            result = np.asarray(
                cv2.GaussianBlur(result, (0, 0), self.feather, borderType=cv2.BORDER_REPLICATE),
                np.float32,
            )
        if self.low > 0 or self.high < 1:
            result = (result - np.float32(self.low)) / np.float32(self.high - self.low)
        return np.clip(result, 0, 1).astype(np.float32, copy=False)

    def colours(self, picture: FloatArray, foreground: FloatArray) -> FloatArray:
        """Mix the picture's colours and the estimated foreground's, H×W×3 each."""
        if self.decontaminate == 1:
            return foreground
        if self.decontaminate == 0:
            return picture
        share = np.float32(self.decontaminate)
        return picture + share * (foreground - picture)


def _shifted(alpha: FloatArray, pixels: float) -> FloatArray:
    """Dilate by a disc of that radius, erode if negative; between whole radii in proportion."""
    if pixels == 0:
        return alpha
    import cv2

    spread = cv2.dilate if pixels > 0 else cv2.erode
    inner = math.floor(abs(pixels))
    share = np.float32(abs(pixels) - inner)

    def spread_by(radius: int) -> FloatArray:
        if radius == 0:
            return alpha
        moved = spread(alpha, disc(radius), borderType=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)

    if share == 0:
        return spread_by(inner)
    return (1 - share) * spread_by(inner) + share * spread_by(inner + 1)


def disc(radius: int) -> NDArray[np.uint8]:
    """Give the pixels within a whole radius of the middle one, as 0 and 1."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2, np.uint8)
