import numpy as np

from lsamatting.evaluation.knn import knn_matting


def scene(size: int = 48):
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size] / size
    away = np.hypot(rows - 0.5, columns - 0.5)
    alpha = np.clip((0.34 - away) * 12, 0, 1)[..., None]
    image = alpha * (0.8, 0.3, 0.2) + (1 - alpha) * (0.1, 0.5, 0.6)
    trimap = np.where(away < 0.2, 1.0, np.where(away > 0.45, 0.0, 0.5))
    return np.clip(image + rng.normal(0, 0.02, image.shape), 0, 1), trimap, alpha[..., 0]


def test_it_is_pymattings_but_for_the_weight_of_known_pixels():
    import pymatting

    image, trimap, _ = scene()
    found = knn_matting(image, trimap)
    theirs = pymatting.estimate_alpha_knn(image, trimap)
    assert np.abs(found - theirs).max() < 0.01
    known = trimap != 0.5
    assert (found[known] == trimap[known]).all()


def test_it_finds_the_opacity_of_two_colours():
    image, trimap, alpha = scene()
    assert np.abs(knn_matting(image, trimap) - alpha).mean() < 0.05


def test_where_all_is_known_the_trimap_is_the_matte():
    image, trimap, _ = scene()
    known = np.where(trimap == 0.5, 1.0, trimap)
    assert (knn_matting(image, known) == known).all()
