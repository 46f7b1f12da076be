from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lsamatting.training.validation import WholePictures, picture_errors, whole_picture_alpha


class Echo(torch.nn.Module):
    """Predicts the red channel, unclamped, and notes the size that it saw."""

    def forward(self, image, trimap, priors):
        assert image.shape[-2:] == trimap.shape[-2:] == priors.shape[-2:]
        self.seen = tuple(image.shape[-2:])
        return 2 * image[:, :1]


@pytest.mark.parametrize(("height", "width"), [(32, 64), (33, 70), (5, 40), (1, 1)])
@pytest.mark.parametrize("channels", [0, 2])
def test_any_size_comes_back_with_known_pixels_set(height: int, width: int, channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, height, width, generator=generator)
    trimap = torch.randint(0, 3, (1, 1, height, width), generator=generator) / 2
    network = Echo()
    alpha = whole_picture_alpha(network, image, trimap, torch.zeros(1, channels, height, width))
    expected = torch.where(trimap == 0.5, (2 * image[:, :1]).clamp(max=1), trimap)
    assert torch.equal(alpha, expected)
    assert all(side % 32 == 0 for side in network.seen)


def test_errors_count_unknown_pixels_only() -> None:
    alpha = torch.zeros(1, 1, 100, 100)
    predicted = alpha + 0.5
    unknown = torch.zeros_like(alpha, dtype=torch.bool)
    unknown[..., :40] = True
    errors = picture_errors(predicted, alpha, unknown)
    assert (errors.sad, errors.mse, errors.mad) == pytest.approx((2.0, 0.25, 0.5))


def test_errors_of_nothing_unknown_are_zero() -> None:
    alpha = torch.zeros(1, 1, 4, 4)
    errors = picture_errors(alpha + 1, alpha, torch.zeros_like(alpha, dtype=torch.bool))
    assert (errors.sad, errors.mse, errors.mad) == (0, 0, 0)


def test_pictures_come_with_the_trimap_of_the_protocol(tmp_path: Path) -> None:
    for folder in ("image", "alpha"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    alpha = np.zeros((60, 80), np.uint8)
    alpha[:, 40:] = 255
    for name in "abc":
        picture = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"image/{name}.png")
        Image.fromarray(alpha).save(tmp_path / f"alpha/{name}.png")
    pictures = WholePictures(tmp_path, priors=("distances",), limit=2)
    assert [item["name"] for item in pictures] == ["a", "b"]
    item = pictures[0]
    # The margin around the unknown band holds all of this picture.
    assert item["priors"].shape == (2, 60, 80)
    assert item["priors"].dtype == torch.float32
    row = item["trimap"][0, 30]
    assert row[20] == 0
    assert row[38] == 0.5
    assert row[60] == 1


def test_pictures_are_cut_to_what_prediction_looks_at(tmp_path: Path) -> None:
    for folder in ("image", "alpha"):
        (tmp_path / folder).mkdir()
    alpha = np.zeros((100, 400), np.uint8)
    alpha[:, 300:] = 255
    Image.fromarray(np.stack([alpha] * 3, axis=2)).save(tmp_path / "image/a.png")
    Image.fromarray(alpha).save(tmp_path / "alpha/a.png")
    item = WholePictures(tmp_path)[0]
    # Pixels 299 and 300 lie on the contour, 15 px around them are unknown, 64 px more are seen.
    assert item["image"].shape[2] == 2 + 2 * 15 + 2 * 64
    assert int((item["trimap"] == 0.5).sum()) == 100 * 32
