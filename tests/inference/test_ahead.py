from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest

from lsamatting import Matting
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.inference import ahead
from lsamatting.inference.ahead import RuntimeAhead
from lsamatting.inference.runtime import load_runtime
from lsamatting.weights import bundled_folder


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "weights"
    shutil.copytree(bundled_folder("lite"), copy)
    return copy


def test_it_is_waited_for_only_when_it_is_needed(monkeypatch):
    allowed = threading.Event()

    def slowly(*arguments, **options):
        assert allowed.wait(60)
        return load_runtime(*arguments, **options)

    monkeypatch.setattr(ahead, "load_runtime", slowly)
    runtime = RuntimeAhead(bundled_folder("lite"), "onnx", device="cpu")
    matting = Matting(runtime, precision="full")
    assert runtime.name == "onnx"
    assert runtime.config.priors
    allowed.set()
    assert runtime.device == "cpu"
    assert runtime.tiles

    rng = np.random.default_rng(0)
    image = rng.integers(256, size=(64, 64, 3), dtype=np.uint8)
    trimap = np.repeat(np.uint8([0, 128, 128, 255]), 16)[None].repeat(64, axis=0)
    plain = Matting.from_pretrained(runtime="onnx", device="cpu", precision="full")
    np.testing.assert_array_equal(matting(image, trimap).alpha, plain(image, trimap).alpha)


def test_what_is_wrong_is_raised_by_whoever_asks(folder):
    (folder / "model.safetensors").write_bytes(b"no numbers")
    runtime = RuntimeAhead(folder, "onnx")
    assert runtime.config.priors
    for _ in range(2):
        with pytest.raises(WeightsError, match=r"model\.safetensors is not a readable"):
            _ = runtime.device
    nowhere = RuntimeAhead(bundled_folder("lite"), "onnx", device="cuda:99")
    with pytest.raises(ConfigError, match="cuda:99"):
        nowhere.check_refines()


def test_what_is_known_to_be_wrong_is_raised_at_once(folder):
    with pytest.raises(ConfigError, match="runtime 'jax'; accepted: auto, torch, onnx"):
        RuntimeAhead(folder, "jax")
    (folder / "config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"config\.json"):
        RuntimeAhead(folder, "onnx")
