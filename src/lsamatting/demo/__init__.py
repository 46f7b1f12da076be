"""Trimaps of two photographs that come with scikit-image; README.md tells how they were drawn."""

from __future__ import annotations

from pathlib import Path

ASTRONAUT_TRIMAP = Path(__file__).with_name("astronaut-trimap.png")
"""For `skimage.data.astronaut()`, 512×512: what `lsamatting demo` mattes."""

CAT_TRIMAP = Path(__file__).with_name("chelsea-trimap.png")
"""For `skimage.data.chelsea()`, 451×300: the editor's sample."""
