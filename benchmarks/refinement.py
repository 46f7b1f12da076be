"""Time backpropagating refinement against a plain implementation, in the same run.

    python benchmarks/refinement.py [--threads 2] [--size 640x480] [--full]

The plain implementation keeps the encoder's features and otherwise does what one writes first: it
runs the whole decoder and head with PyTorch's modules, every parameter requiring a gradient. It
takes 20 steps, with --full all 100, by turns with ours; the time of 100 plain steps is a hundred
times that of one (medians).

There are no trained weights for the paper's network, and with random ones a hundred steps at rate
20 are chaotic, so that rounding alone decides where they end. So the network is made to estimate
opacity on the one picture: batch norm takes its statistics from it, and the last convolution is
fitted to its alpha by least squares. The bundled network is as it comes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lsamatting.inference.frame import Layout, frame_picture
from lsamatting.inference.refinement.options import PAPER, RefinementOptions
from lsamatting.inference.refinement.refiner import Refined, Refiner
from lsamatting.inference.refinement.targets import Targets, boundary_targets
from lsamatting.inference.tensors import layout_tensors
from lsamatting.matting import Matting
from lsamatting.network.brm import refinement_modules
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet
from lsamatting.trimap import Trimap

STEPS, RATE, WEIGHT = PAPER.steps, PAPER.rate, PAPER.weight
RIDGE = 1e-3


def draw(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A furry blob on texture: image and alpha."""
    rng = np.random.default_rng(0)
    alpha = np.zeros((height, width), np.uint8)
    centre = np.array([width / 2, height / 2])
    axes = np.array([0.28 * width, 0.3 * height])
    cv2.ellipse(alpha, centre.astype(int).tolist(), axes.astype(int).tolist(), 0, 0, 360, 255, -1)
    for angle in rng.uniform(0, 2 * np.pi, 3000):
        outwards = np.array([np.cos(angle), np.sin(angle)])
        start = centre + 0.97 * axes * outwards
        end = start + rng.uniform(4, 24) * outwards + rng.normal(0, 4, 2)
        cv2.line(alpha, start.astype(int).tolist(), end.astype(int).tolist(), 255, 1, cv2.LINE_AA)

    def texture(low: float, high: float) -> NDArray[np.float32]:
        coarse = rng.uniform(low, high, (height // 24, width // 24, 3)).astype(np.float32)
        fine = rng.normal(0, 0.05, (height, width, 3)).astype(np.float32)
        return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + fine

    opacity = alpha[..., None].astype(np.float32) / 255
    image = opacity * texture(0.3, 0.9) + (1 - opacity) * texture(0.1, 0.7)
    return np.clip(image, 0, 1), opacity[..., 0]


def prepare(
    network: LSANet, image: NDArray[np.float32], alpha: NDArray[np.float32]
) -> tuple[Layout, Targets]:
    trimap = Trimap.from_alpha(alpha, band=15).values
    # A margin that leaves the picture whole, at its own size.
    frame = frame_picture(image, trimap, margin=max(trimap.shape), priors=network.config.priors)
    layout = frame.lay_out()
    return layout, boundary_targets(layout.marks, layout.counted)


def made_to_estimate(network: LSANet, layout: Layout, alpha: NDArray[np.float32]) -> None:
    """Give a random network statistics and a last convolution that suit one picture."""
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(*layout_tensors(layout))
        network.eval()
        inputs = network.inputs(*layout_tensors(layout))
        seen = []
        hook = network.head.conv3.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        network.decode(inputs, network.encode(inputs))
        hook.remove()
        columns = torch.nn.functional.unfold(seen[0], 3, padding=1)[0].T.double()
        columns = torch.cat((columns, torch.ones(len(columns), 1, dtype=torch.float64)), 1)
        target = torch.zeros(layout.marks.shape, dtype=torch.float64)
        target[: alpha.shape[0], : alpha.shape[1]] = torch.from_numpy(alpha)
        normal = columns.T @ columns / len(columns)
        normal += RIDGE * normal.diagonal().mean() * torch.eye(len(normal), dtype=torch.float64)
        fitted = torch.linalg.solve(normal, columns.T @ target.flatten() / len(columns)).float()
        network.head.conv3.weight.copy_(fitted[:-1].view(1, -1, 3, 3))
        network.head.conv3.bias.copy_(fitted[-1:])


class Plain:
    """What one writes first."""

    def __init__(self, network: LSANet, layout: Layout, targets: Targets) -> None:
        self.network = network.requires_grad_(True)
        self.modules = refinement_modules(network.config)
        self.fields = [field for module in self.modules.values() for field in module.parameters()]
        self.optimiser = torch.optim.SGD(self.fields, lr=RATE)
        self.zero, self.one, self.unknown = (
            torch.from_numpy(mask) for mask in (targets.zero, targets.one, targets.unknown)
        )
        with torch.no_grad():
            self.inputs = network.inputs(*layout_tensors(layout))
            self.taps = network.encode(self.inputs)
            self.initial = self.opacity()

    def opacity(self) -> torch.Tensor:
        return self.network.decode(self.inputs, self.taps, self.modules)[0, 0].clamp(0, 1)

    def objective(self, opacity: torch.Tensor) -> torch.Tensor:
        zero, one = opacity[self.zero], opacity[self.one]
        c1 = ((zero**2).sum() + ((1 - one) ** 2).sum()) / (len(zero) + len(one))
        return c1 + WEIGHT * (opacity - self.initial)[self.unknown].abs().mean() ** 2

    def step(self) -> None:
        self.network.zero_grad()
        self.optimiser.zero_grad()
        self.objective(self.opacity()).backward()
        self.optimiser.step()

    def reached(self) -> tuple[NDArray[np.float32], float]:
        """Give the opacity and the objective."""
        with torch.no_grad():
            opacity = self.opacity()
            return opacity.numpy(), float(self.objective(opacity))


def take_turns(
    refiner: Refiner, plain: Plain, targets: Targets, steps: int
) -> tuple[Refined, list[float], list[float]]:
    """Take our steps and plain ones by turns, so that both meet the machine in the same state.

    Gives our result, and the seconds of our steps and of the plain ones; each first is left out.
    """
    ours, theirs = [], []
    left = time.perf_counter()

    def turn(done: int, total: int) -> None:
        nonlocal left
        entered = time.perf_counter()
        plain.step()
        ours.append(entered - left)
        left = time.perf_counter()
        theirs.append(left - entered)

    return refiner.refine(targets, replace(PAPER, steps=steps), progress=turn), ours[1:], theirs[1:]


def compare(name: str, network: LSANet, layout: Layout, targets: Targets, steps: int) -> None:
    height, width = layout.marks.shape
    started = time.perf_counter()
    refiner = Refiner.at_once(network, layout)
    built = time.perf_counter() - started
    plain = Plain(network, layout, targets)
    same, ours, theirs = take_turns(refiner, plain, targets, steps)
    opacity, reached = plain.reached()
    ours_step, theirs_step = np.median(ours), np.median(theirs)
    theirs_all = STEPS * theirs_step

    result = refiner.refine(targets, PAPER).report
    goal = result.objective[-1]
    evaluations: list[int] = []
    quick = refiner.refine(
        targets,
        RefinementOptions(steps=STEPS, enough=goal),
        progress=lambda done, total: evaluations.append(done),
    ).report
    print(f"\n{name}, {width}×{height}, {(layout.marks == 128).mean():.0%} unknown\n")
    print("| | plain | ours | ratio |")
    print("|---|---|---|---|")
    print(
        f"| one step | {1e3 * theirs_step:.0f} ms | {1e3 * ours_step:.0f} ms "
        f"| {theirs_step / ours_step:.1f} |"
    )
    print(
        f"| {STEPS} steps | {theirs_all:.1f} s | {result.seconds:.1f} s "
        f"| {theirs_all / result.seconds:.1f} |"
    )
    print(
        f"| L-BFGS to their objective, {len(evaluations) + 1} evaluations "
        f"| | {quick.seconds:.1f} s | {theirs_all / quick.seconds:.0f} |"
    )
    print(f"\nL-BFGS takes {quick.seconds / result.seconds:.2f} of the time of our {STEPS} steps.")
    print(f"Objective {result.objective[0]:.4g} → {goal:.4g}, preparation {built:.2f} s.")
    print(
        f"After {steps} steps: objective {reached:.7g} (plain) and "
        f"{same.report.objective[-1]:.7g}, "
        f"largest difference of the alphas {np.abs(opacity - same.alpha).max():.1e}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", default="640x480", help="width x height in pixels")
    parser.add_argument("--full", action="store_true", help="take all plain steps")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    width, height = (int(number) for number in arguments.size.split("x"))
    image, alpha = draw(height, width)
    steps = STEPS if arguments.full else 20

    network = LSANet(NetworkConfig.preset("paper"))
    layout, targets = prepare(network, image, alpha)
    made_to_estimate(network, layout, alpha)
    compare("ResNet-50-D", network, layout, targets, steps)

    network = Matting.from_pretrained(device="cpu").network
    layout, targets = prepare(network, image, alpha)
    compare("bundled network", network, layout, targets, steps)


if __name__ == "__main__":
    main()
