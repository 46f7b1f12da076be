from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lsamatting import threads
from lsamatting.errors import ConfigError
from lsamatting.foreground import refine_foreground
from lsamatting.inference.refinement.options import RefinementOptions
from lsamatting.matting import Matting
from lsamatting.threads import MOST_PER_PROCESSOR, limit_threads
from tests.conftest import draw_scene


def test_as_many_threads_as_asked_for():
    before = torch.get_num_threads()
    try:
        limit_threads(1)
        assert torch.get_num_threads() == 1
    finally:
        limit_threads(before)


@pytest.mark.parametrize("count", [-1, 0, 1_000_000])
def test_a_number_of_threads_that_would_end_the_process_is_refused(count):
    most = MOST_PER_PROCESSOR * os.cpu_count()
    with pytest.raises(ConfigError, match=f"found {count}; accepted on this machine: 1 to {most}"):
        limit_threads(count)


def test_threads_that_share_a_model_get_what_each_would_get_alone(network, capsys):
    model = Matting(network, device="cpu")
    scenes = [draw_scene(shift) for shift in (-8, -4, 0, 4, 8)]

    def solve(number: int) -> list[np.ndarray]:
        pixels, marks, _ = scenes[number % len(scenes)]
        session = model.open(pixels, marks)
        session.stroke(marks == 255, 1)
        return [
            model(pixels, marks).alpha,
            model(pixels, marks, refine=RefinementOptions(steps=2)).alpha,
            session.refine(RefinementOptions(steps=2)).alpha,
        ]

    stream = sys.stdout
    alone = [solve(number) for number in range(len(scenes))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(solve, range(2 * len(scenes))))
    for number, found in enumerate(together):
        for alpha, expected in zip(found, alone[number % len(scenes)], strict=True):
            np.testing.assert_allclose(alpha, expected, atol=1e-5)
    assert sys.stdout is stream
    assert capsys.readouterr().out == ""


FORKS = """
import multiprocessing
import numpy as np
import torch
from lsamatting.matting import Matting
from lsamatting.network.config import NetworkConfig
from lsamatting.network.lsanet import LSANet

torch.manual_seed(0)
model = Matting(LSANet(NetworkConfig.preset("lite")), device="cpu")
rows = np.mgrid[:160, :200][0]
picture = np.repeat((rows / 160).astype(np.float32)[..., None], 3, axis=2)
trimap = np.select([rows < 40, rows > 120], [0, 255], 128).astype(np.uint8)

def solve(_):
    return float(model(picture, trimap).foreground.sum())

here = solve(0)
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert np.allclose(pool.map(solve, range(4)), here, rtol=1e-4)
assert solve(0) == here and torch.get_num_threads() == 2
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_pool_forked_after_a_matte_does_not_hang():
    # MKL's own number would go before OpenMP's in PyTorch.
    environment = {name: value for name, value in os.environ.items() if name != "MKL_NUM_THREADS"}
    outcome = subprocess.run(
        [sys.executable, "-c", FORKS],
        env={**environment, "OMP_NUM_THREADS": "2"},
        timeout=300,
        capture_output=True,
        text=True,
    )
    assert outcome.stdout == "done\n", outcome.stderr


def test_what_numba_cannot_do_in_a_forked_process_is_said(monkeypatch):
    monkeypatch.setattr(threads, "_orphaned", True)
    with pytest.raises(ConfigError, match=r"forked .*'spawn'"):
        refine_foreground(np.ones((4, 4, 3), np.float32), np.ones((4, 4), np.float32))
