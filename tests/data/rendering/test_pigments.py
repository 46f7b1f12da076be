from __future__ import annotations

import numpy as np

from lsamatting.data.rendering.pigments import absorption, melanin


def test_no_melanin_absorbs_nothing_and_more_absorbs_more():
    np.testing.assert_array_equal(melanin(0.0, 0.3), np.zeros(3))
    less, more = melanin(np.array([1.0, 4.0]), np.array([0.0, 0.0]))
    assert (more > less).all()
    # Blue is absorbed most: hair is warm.
    assert less[2] > less[1] > less[0]


def test_absorption_inverts_the_paper_s_reflectance():
    colour = np.array([0.02, 0.3, 0.8])
    r = 0.4
    scale = 5.969 - 0.215 * r + 2.532 * r**2 - 10.73 * r**3 + 5.574 * r**4 + 0.245 * r**5
    reflected = np.exp(-scale * np.sqrt(absorption(colour, r)))
    np.testing.assert_allclose(reflected, colour, rtol=1e-5)
