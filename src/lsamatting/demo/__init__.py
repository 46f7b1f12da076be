"""The trimap of the demo's photograph; README.md beside it tells how it was drawn."""

from __future__ import annotations

from pathlib import Path

TRIMAP = Path(__file__).with_name("chelsea-trimap.png")
"""For `skimage.data.chelsea()`, 451×300."""
