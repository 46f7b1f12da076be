from __future__ import annotations

import numpy as np
import pytest

from lsamatting.errors import ImageError
from lsamatting.foreground.closed_form import closed_form_foreground


@pytest.fixture
def soft_edge():
    alpha = np.tile(np.clip(np.linspace(-0.5, 1.5, 40), 0, 1), (30, 1))
    return np.random.default_rng(0).random((30, 40, 3)), alpha


def test_it_is_the_foreground_where_opaque_and_the_estimate_where_not(soft_edge, capsys):
    from pymatting import estimate_foreground_cf

    foreground, alpha = soft_edge
    share = alpha[..., None]
    capsys.readouterr()
    blended = closed_form_foreground(foreground, alpha)
    assert capsys.readouterr() == ("", "")
    estimate = estimate_foreground_cf(share * foreground, alpha)
    np.testing.assert_allclose(blended, share * foreground + (1 - share) * estimate, atol=1e-6)
    np.testing.assert_allclose(blended[:, 30:], foreground[:, 30:], atol=1e-6)


def test_one_channel(soft_edge):
    foreground, alpha = soft_edge
    assert closed_form_foreground(foreground[..., 0], alpha).shape == alpha.shape
    assert closed_form_foreground(foreground[..., :1], alpha).shape == (30, 40, 1)


def test_nothing_to_estimate():
    foreground = np.random.default_rng(1).random((5, 4, 3), np.float32)
    opaque = closed_form_foreground(foreground, np.ones((5, 4)))
    np.testing.assert_array_equal(opaque, foreground)
    assert np.isfinite(closed_form_foreground(foreground[:1, :1], np.zeros((1, 1)))).all()


def test_mistakes(soft_edge):
    foreground, alpha = soft_edge
    with pytest.raises(ImageError, match="40x29"):
        closed_form_foreground(foreground, alpha[:29])
