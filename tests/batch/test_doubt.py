from __future__ import annotations

import numpy as np
import pytest

from lsamatting.batch.doubt import doubt

SIZE = 200  # its side's THIN is below the least width that counts


def test_a_hard_edge_and_hair_leave_no_doubt():
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[:, 100:] = 1
    alpha[:, 98:101] = 0.5  # a soft edge of three pixels
    alpha[::10, :90] = 0.4  # hair
    assert doubt(alpha, np.ones_like(alpha, bool)) == 0


def test_a_wide_half_opaque_patch_counts_by_its_share_of_the_unknown():
    alpha = np.zeros((SIZE, SIZE), np.float32)
    alpha[50:90, 50:100] = 0.5
    unknown = np.zeros_like(alpha, bool)
    unknown[40:100, 40:110] = True
    # A disc does not reach into the corners.
    assert doubt(alpha, unknown) == pytest.approx(40 * 50 / (60 * 70), rel=0.01)
    unknown[:] = False
    unknown[50:90, 50:75] = True
    assert doubt(alpha, unknown) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("value", [0, 1, 0.05, 0.95])
def test_what_is_decided_leaves_no_doubt(value):
    alpha = np.full((40, 50), value, np.float32)
    assert doubt(alpha, np.ones_like(alpha, bool)) == 0


def test_nothing_unknown_and_everything_half():
    alpha = np.full((40, 50), 0.5, np.float32)
    assert doubt(alpha, np.zeros_like(alpha, bool)) == 0
    assert doubt(alpha, np.ones_like(alpha, bool)) == 1
