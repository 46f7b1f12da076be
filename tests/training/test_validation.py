from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsamatting import Matting, Trimap
from lsamatting.errors import DatasetError
from lsamatting.network.lsanet import LSANet
from lsamatting.training.module import MattingModule
from lsamatting.training.validation import WholePictures, picture_errors
from lsamatting.weights import bundled_folder


def folder_of_pictures(root: Path, names: str, shape: tuple[int, int], edge: int) -> Path:
    """A trio folder without trimaps: noise, opaque to the right of an edge."""
    rng = np.random.default_rng(0)
    alpha = np.zeros(shape, np.uint8)
    alpha[:, edge:] = 255
    for folder in ("image", "alpha"):
        (root / folder).mkdir()
    for name in names:
        picture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        Image.fromarray(picture).save(root / f"image/{name}.png")
        Image.fromarray(alpha).save(root / f"alpha/{name}.png")
    return root


def test_errors_count_unknown_pixels_only() -> None:
    alpha = np.zeros((100, 100), np.float32)
    unknown = np.zeros(alpha.shape, bool)
    unknown[:, :40] = True
    errors = picture_errors(alpha + np.float32(0.5), alpha, unknown)
    assert (errors.sad, errors.mse, errors.mad) == pytest.approx((2.0, 0.25, 0.5))


def test_errors_of_nothing_unknown_are_zero() -> None:
    alpha = np.zeros((4, 4), np.float32)
    errors = picture_errors(alpha + 1, alpha, np.zeros((4, 4), bool))
    assert (errors.sad, errors.mse, errors.mad) == (0, 0, 0)


def test_pictures_come_with_the_trimap_of_the_protocol(tmp_path: Path) -> None:
    folder = folder_of_pictures(tmp_path, "abc", (60, 80), 40)
    pictures = WholePictures(folder, priors=("distances",), limit=2)
    assert [picture.name for picture in pictures] == ["a", "b"]
    assert pictures[0] is pictures[0]
    frame = pictures[0].frame
    assert frame.priors.part().shape == (*frame.trimap.shape, 2)
    row = frame.whole[30]
    assert (row[20], row[38], row[60]) == (0, 128, 255)


@pytest.mark.parametrize("weights", [None, "lite"])
def test_what_is_validated_is_what_the_command_gives(tmp_path: Path, weights: str | None) -> None:
    """On a size that is no multiple of anything, with priors, from weights in training."""
    folder = folder_of_pictures(tmp_path, "a", (75, 333), 100)
    source = bundled_folder(weights) if weights else None
    module = MattingModule(preset="lite", weights=str(source) if source else None)
    module.network.eval()
    model = Matting(LSANet(module.network.config), device="cpu")
    model.network.load_state_dict(module.network.state_dict())
    pictures = WholePictures(folder, priors=module.network.config.priors)
    logged: dict[str, float] = {}
    module.log_dict = lambda values, **_: logged.update(values)  # type: ignore[method-assign]
    predicted = module.validation_step(pictures[0], 0)
    trimap = Trimap.from_alpha(folder / "alpha/a.png")
    expected = model(folder / "image/a.png", trimap)
    np.testing.assert_array_equal(predicted.numpy(), expected.alpha)
    truth = pictures[0].alpha
    difference = np.abs(expected.alpha - truth)[trimap.unknown]
    assert logged["val/sad"] == pytest.approx(difference.sum() / 1000, rel=1e-5)
    assert logged["val/mad"] == pytest.approx(difference.mean(), rel=1e-5)


def test_an_alpha_of_another_size_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    folder = folder_of_pictures(tmp_path, "ab", (20, 24), 12)
    Image.new("L", (24, 17), 255).save(folder / "alpha/b.png")
    with pytest.raises(DatasetError, match=r"alpha/b\.png is 24x17 pixels but .* is 24x20"):
        WholePictures(folder)
