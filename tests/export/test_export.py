from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import onnx
import pytest

from lsamatting import Matting, __version__
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.export import export
from lsamatting.export.export import CHECKED_SIZES, example_layout, export_onnx
from lsamatting.inference.onnx_runtime import OnnxRuntime
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import read_config
from lsamatting.weights import bundled_folder

LITE = bundled_folder("lite")


def facts(path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_a_file_gives_what_its_weights_give_and_says_what_it_is(scene, tmp_path):
    path = tmp_path / "whole.onnx"
    written = export_onnx(LITE, path)
    assert tuple(written.differences) == CHECKED_SIZES
    assert max(written.differences.values()) <= 1e-4
    assert written.bytes == path.stat().st_size
    model = Matting.from_pretrained(path)
    assert model.runtime.name == "onnx"
    expected = Matting.from_pretrained(LITE, runtime="torch", device="cpu", precision="full")
    np.testing.assert_allclose(
        model(scene.image, scene.trimap).alpha,
        expected(scene.image, scene.trimap).alpha,
        atol=1e-5,
    )
    said = facts(path)
    assert json.loads(said["lsamatting.config"]) == NetworkConfig.preset("lite").to_dict()
    digest = hashlib.sha256((LITE / "model.safetensors").read_bytes()).hexdigest()
    assert (said["lsamatting.sha256"], said["lsamatting.version"]) == (digest, __version__)


@pytest.mark.parametrize(
    ("numbers", "share", "tolerance"), [("float16", 0.55, 5e-3), ("int8", 0.4, 0.5)]
)
def test_fewer_bits_are_smaller_and_near(tmp_path, numbers, share, tolerance):
    config = read_config(LITE)
    examples = [example_layout(config, 96, 128)] * 2
    whole = export_onnx(LITE, tmp_path / "whole.onnx").bytes
    written = export_onnx(LITE, tmp_path / "few.onnx", numbers=numbers, examples=examples)
    assert written.bytes < share * whole
    assert 0 < max(written.differences.values()) < tolerance
    assert facts(tmp_path / "few.onnx")["lsamatting.numbers"] == numbers
    runtime = OnnxRuntime(tmp_path / "few.onnx")
    assert runtime.config == config
    assert runtime.tiles


def test_half_the_bits_suffice_for_the_sums_of_a_wholly_unknown_picture(tmp_path):
    """Its features add up to more than float16 can hold."""
    side = 640
    layout = replace(
        example_layout(read_config(LITE), side, side),
        trimap=np.full((side, side), 0.5, np.float32),
        marks=np.full((side, side), 128, np.uint8),
    )
    found = {}
    for numbers in ("float32", "float16"):
        export_onnx(LITE, tmp_path / f"{numbers}.onnx", numbers=numbers)
        found[numbers] = OnnxRuntime(tmp_path / f"{numbers}.onnx").run(layout)
    np.testing.assert_allclose(found["float16"], found["float32"], atol=3e-3)


def test_int8_asks_for_pictures(tmp_path):
    with pytest.raises(ConfigError, match="int8 needs pictures"):
        export_onnx(LITE, tmp_path / "few.onnx", numbers="int8")


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    def fill_wrongly(graph: onnx.ModelProto, network: object) -> None:
        filled(graph, network)
        for number in graph.graph.initializer:
            if number.name == "head.conv3.bias":
                values = onnx.numpy_helper.to_array(number) + 0.25
                number.CopyFrom(onnx.numpy_helper.from_array(values, number.name))

    filled = export.fill
    monkeypatch.setattr(export, "fill", fill_wrongly)
    with pytest.raises(WeightsError, match=r"wrong\.onnx would differ from .* by 0\.25"):
        export_onnx(LITE, tmp_path / "wrong.onnx")
    assert list(tmp_path.iterdir()) == []
