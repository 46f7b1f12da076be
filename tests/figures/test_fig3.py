from __future__ import annotations

import numpy as np
import pytest

from lsamatting.errors import ConfigError, TrimapError
from lsamatting.figures.fig3 import fig3, violations
from lsamatting.inference.refinement.targets import boundary_targets
from lsamatting.inference.torch_runtime import TorchRuntime


def test_violations_are_the_boundary_pixels_that_are_wrong():
    marks = np.full((1, 9), 128, np.uint8)
    marks[0, :3], marks[0, 6:] = 0, 255
    targets = boundary_targets(marks, np.ones(marks.shape, bool))
    alpha = np.float32([[0.9, 0, 0.05, 0.5, 0.5, 0.95, 0.2, 0.2, 1]])
    found = violations(alpha, targets, threshold=0.1)
    assert np.flatnonzero(found.too_opaque).tolist() == [3]
    assert np.flatnonzero(found.too_clear).tolist() == [6]
    assert found.count == 2


def test_it_refuses_what_it_cannot_draw(network, tmp_path):
    pytest.importorskip("matplotlib")
    image = np.zeros((8, 8, 3), np.float32)
    known = np.zeros((8, 8), np.uint8)
    with pytest.raises(TrimapError, match="no unknown pixel"):
        fig3(TorchRuntime(network), image, known, tmp_path / "a.png")
    with pytest.raises(ConfigError, match="threshold"):
        fig3(TorchRuntime(network), image, known, tmp_path / "a.png", threshold=1)
    assert not any(tmp_path.iterdir())
