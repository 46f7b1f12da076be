from __future__ import annotations

import numpy as np
import pytest

from lsamatting.data.rendering.scene import Matter, Scene, Strands, Surface, write_scene

POINTS = np.zeros((2, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("scene", "named"),
    [
        (Scene([Strands(POINTS, np.ones((2, 4)), POINTS, Matter())]), "radii"),
        (Scene([Strands(POINTS, np.ones((2, 3)), POINTS[:1], Matter())]), "strands"),
        (Scene([], [Surface(POINTS[0], np.array([[0, 1, 3]]), POINTS[0], Matter())]), "triangles"),
    ],
)
def test_arrays_must_belong_together(scene, named, tmp_path):
    with pytest.raises(ValueError, match=named):
        write_scene(tmp_path, scene, {})
    assert not list(tmp_path.iterdir())
