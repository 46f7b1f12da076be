from __future__ import annotations

import math

import pytest
import torch

from lsamatting.errors import ConfigError
from lsamatting.training.loss import LossConfig, matting_loss


def slow_loss(predicted, alpha, unknown, config: LossConfig) -> float:
    """Follow the formulas cell by cell, in double precision."""
    images = []
    for p, a, u in zip(predicted[:, 0].tolist(), alpha[:, 0].tolist(), unknown[:, 0], strict=True):
        u = u.double().tolist()
        if config.variant == "code":
            for y, row in enumerate(a):
                for x, truth in enumerate(row):
                    if truth == 0:
                        p[y][x] = max(p[y][x], 0.0)
                    elif truth == 1:
                        p[y][x] = min(p[y][x], 1.0)
        total = 0.0
        for level in range(config.levels):
            cell = 2**level
            above, below = 0.0, 0.0
            for y in range(0, len(p), cell):
                for x in range(0, len(p[0]), cell):
                    inside = [(i, j) for i in range(y, y + cell) for j in range(x, x + cell)]
                    mean_p = sum(p[i][j] for i, j in inside) / cell**2
                    mean_a = sum(a[i][j] for i, j in inside) / cell**2
                    marks = [u[i][j] for i, j in inside]
                    weight = sum(marks) / cell**2 if config.variant == "code" else max(marks)
                    above += weight * math.sqrt((mean_p - mean_a) ** 2 + config.epsilon**2)
                    below += weight
            total += 2.0**-level * (above / below if below else 0.0)
        images.append(total)
    return sum(images) / len(images)


def example(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    alpha = (torch.rand(3, 1, 32, 48, generator=generator) * 2 - 0.5).clamp(0, 1)
    predicted = alpha + 0.4 * torch.randn(alpha.shape, generator=generator)
    unknown = torch.rand(alpha.shape, generator=generator) > 0.9
    unknown[2] = False
    return predicted, alpha, unknown


@pytest.mark.parametrize("variant", ["paper", "code"])
@pytest.mark.parametrize("levels", [1, 3, 5])
def test_equals_a_slow_loop(variant: str, levels: int) -> None:
    config = LossConfig(variant=variant, levels=levels, epsilon=1e-3)
    predicted, alpha, unknown = example(levels)
    fast = float(matting_loss(predicted, alpha, unknown, config=config))
    assert fast == pytest.approx(slow_loss(predicted, alpha, unknown, config), rel=1e-5)


def test_a_constant_error_counts_on_every_scale() -> None:
    alpha = torch.full((1, 1, 16, 16), 0.5)
    loss = matting_loss(alpha + 0.3, alpha, torch.ones_like(alpha))
    expected = math.sqrt(0.3**2 + 1e-6) * (1 + 1 / 2 + 1 / 4 + 1 / 8 + 1 / 16)
    assert float(loss) == pytest.approx(expected)


def test_known_pixels_are_free_at_full_resolution() -> None:
    alpha = torch.zeros(1, 1, 16, 16)
    unknown = torch.zeros_like(alpha)
    unknown[..., :8] = 1
    predicted = alpha.clone()
    predicted[..., 8:] = 5
    loss = matting_loss(predicted, alpha, unknown, config=LossConfig(levels=1))
    assert float(loss) == pytest.approx(1e-3)


def test_overshoot_is_free_in_the_authors_variant_only() -> None:
    alpha = torch.zeros(1, 1, 16, 16)
    everywhere = torch.ones_like(alpha)
    code = matting_loss(alpha - 0.5, alpha, everywhere, config=LossConfig(variant="code"))
    paper = matting_loss(alpha - 0.5, alpha, everywhere)
    assert float(code) < 0.01 < 0.5 < float(paper)


def test_no_unknown_pixel_gives_zero_and_a_finite_gradient() -> None:
    predicted = torch.rand(1, 1, 16, 16, requires_grad=True)
    loss = matting_loss(predicted, torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16))
    loss.backward()
    assert float(loss.detach()) == 0
    assert predicted.grad is not None
    assert (predicted.grad == 0).all()


def test_half_precision_inputs_are_measured_in_single() -> None:
    predicted, alpha, unknown = example(0)
    rough = predicted.bfloat16()
    loss = matting_loss(rough, alpha, unknown)
    assert loss.dtype == torch.float32
    assert float(loss) == float(matting_loss(rough.float(), alpha, unknown))


@pytest.mark.parametrize(
    "values", [{"variant": "mine"}, {"levels": 0}, {"epsilon": 0.0}, {"beside_base": 0.0}]
)
def test_impossible_options_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError):
        LossConfig(**values)


def test_beside_the_base_counts_what_is_left_of_its_error() -> None:
    predicted, alpha, unknown = example(0)
    base = alpha + 0.2 * torch.randn(alpha.shape, generator=torch.Generator().manual_seed(1))
    plain, config = LossConfig(levels=3), LossConfig(levels=3, beside_base=0.25)
    parts = []
    for image in range(len(alpha)):
        one = slice(image, image + 1)
        losses = [
            float(matting_loss(values[one], alpha[one], unknown[one], config=plain))
            for values in (predicted, base)
        ]
        parts.append(losses[0] / (losses[1] + 0.25))
    loss = matting_loss(predicted, alpha, unknown, base=base, config=config)
    assert float(loss) == pytest.approx(sum(parts) / len(parts), rel=1e-5)
    # An image in which the prior is far off counts no more than one in which it is close.
    far = alpha + 4 * (base - alpha)
    left = matting_loss(alpha + 2 * (base - alpha), alpha, unknown, base=far, config=config)
    assert float(left) < 0.55
