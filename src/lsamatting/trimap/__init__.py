"""Trimaps: what is known to be background, known to be foreground, and unknown."""

from lsamatting.trimap.trimap import (
    BACKGROUND,
    FOREGROUND,
    UNKNOWN,
    Trimap,
    TrimapCounts,
    check_format,
)

__all__ = ["BACKGROUND", "FOREGROUND", "UNKNOWN", "Trimap", "TrimapCounts", "check_format"]
