"""The smallest network that has all parts: for tests in which its answers do not matter."""

from __future__ import annotations

from typing import Any

TINY: dict[str, Any] = {
    "stem_channels": [4, 4, 4],
    "stage_channels": [4, 4, 4, 4],
    "stage_blocks": [1, 1, 1, 1],
    "block": "basic",
    "decoder_channels": [4, 4, 4, 4, 4],
    "head_channels": [4, 4],
}
"""What differs from the paper's network; also what a configuration file would say."""

TINY_LITE: dict[str, Any] = {**TINY, "priors": [], "base": "", "correction": "everywhere"}
"""What differs from the preset `lite`: no priors either, which take longer than the rest."""
