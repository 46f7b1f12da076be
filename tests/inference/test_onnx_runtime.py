from __future__ import annotations

import json
import multiprocessing
import shutil

import numpy as np
import onnx
import pytest

from lsamatting import Matting, threads
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.export.export import export_onnx
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions
from lsamatting.inference.frame import Layout
from lsamatting.inference.onnx_runtime import OnnxRuntime, choose_onnx_device
from lsamatting.inference.runtime import load_runtime
from lsamatting.inference.tta import Averaging
from lsamatting.network.config import NetworkConfig
from lsamatting.network.files import find_graph
from lsamatting.weights import bundled_folder, bundled_names
from tests.conftest import draw_scene


def layout(config: NetworkConfig, height: int, width: int) -> Layout:
    rng = np.random.default_rng(height * width)
    marks = rng.choice(np.array([0, 128, 255], np.uint8), (height, width))
    return Layout(
        image=rng.random((height, width, 3), np.float32),
        trimap=np.select([marks == 0, marks == 255], [0, 1], 0.5).astype(np.float32),
        priors=rng.random((height, width, config.prior_channels), np.float32),
        marks=marks,
        counted=np.ones(marks.shape, np.bool_),
        place=(slice(0, height), slice(0, width)),
    )


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_weights_give_what_they_give_with_torch(name):
    folder = bundled_folder(name)
    ours, theirs = OnnxRuntime(folder, "cpu"), load_runtime(folder, "torch", device="cpu")
    assert ours.config == theirs.config
    for size in ((32, 32), (32, 160), (64, 64), (96, 224), (192, 128), (256, 320)):
        given = layout(ours.config, *size)
        expected = theirs.run(given, precision="full")
        np.testing.assert_allclose(ours.run(given), expected, atol=1e-5)


def test_a_graph_without_averages_runs_and_has_no_tiles(tmp_path):
    """As older versions exported them: here these inputs have other names."""
    export_onnx(bundled_folder("lite"), tmp_path / "new.onnx")
    graph = onnx.load(tmp_path / "new.onnx")
    for holder in (*graph.graph.input, *graph.graph.initializer):
        if holder.name in ("counted", "averages"):
            holder.name += "_once"
    for node in graph.graph.node:
        node.input[:] = [
            f"{name}_once" if name in ("counted", "averages") else name for name in node.input
        ]
    onnx.save(graph, tmp_path / "old.onnx")
    old, new = (OnnxRuntime(tmp_path / f"{name}.onnx", "cpu") for name in ("old", "new"))
    assert new.tiles
    assert not old.tiles
    given = layout(old.config, 64, 96)
    np.testing.assert_array_equal(old.run(given), new.run(given))


@pytest.mark.parametrize("weights", bundled_names())
def test_whatever_the_pipeline_does_it_does_with_either_runtime(weights):
    pixels, marks, _ = draw_scene()
    runtimes = [
        load_runtime(bundled_folder(weights), name, device="cpu") for name in ("onnx", "torch")
    ]
    for options in (
        EstimateOptions(precision="full"),
        EstimateOptions(padding="published", precision="full"),
        EstimateOptions(averaging=Averaging(scales=(0.8, 1.0), symmetries=8), precision="full"),
    ):
        ours, theirs = (
            estimate(runtime, pixels.astype(np.float32) / 255, marks, options=options).alpha
            for runtime in runtimes
        )
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_strokes_are_followed_without_derivatives(scene):
    model = Matting.from_pretrained(runtime="onnx")
    session = model.open(scene.image, scene.trimap)
    before = session.predict().alpha
    painted = np.zeros(scene.marks.shape, bool)
    painted[8:12, 25:31] = scene.marks[8:12, 25:31] == 128
    session.stroke(painted, 0)
    after = session.predict().alpha
    assert (after[painted] == 0).all()
    assert (before != after)[~painted].any()


def test_what_needs_derivatives_is_refused_before_anything_is_read(scene):
    model = Matting.from_pretrained(runtime="onnx")
    with pytest.raises(ConfigError, match="refinement follows derivatives"):
        model("no such file", scene.trimap, refine=True)
    with pytest.raises(ConfigError, match="refinement follows derivatives"):
        model.open(scene.image, scene.trimap).refine()
    with pytest.raises(ConfigError, match="no network to change or save"):
        model.save_pretrained(scene.folder / "weights")


def test_weights_of_a_known_configuration_need_no_graph_of_their_own(weights, tmp_path):
    assert (
        find_graph(weights, NetworkConfig.preset("lite")) == bundled_folder("lite") / "graph.onnx"
    )
    OnnxRuntime(weights)
    other = shutil.copytree(weights, tmp_path / "other")
    settings = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**settings, "head_channels": [8, 4]}))
    with pytest.raises(WeightsError, match=r"other has no graph\.onnx.*lsamatting export"):
        OnnxRuntime(other)
    shutil.copy(bundled_folder("lite") / "graph.onnx", other)
    with pytest.raises(WeightsError, match=r"graph\.onnx is not the graph of .*config\.json"):
        OnnxRuntime(other)


def test_damaged_files_are_named(weights, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match=r"broken\.onnx cannot be run: "):
        OnnxRuntime(broken)
    folder = shutil.copytree(weights, tmp_path / "weights")
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"model\.safetensors is not a readable"):
        OnnxRuntime(folder)


def test_weights_that_lack_a_number_do_not_fit(network, tmp_path):
    from safetensors.numpy import load_file, save_file

    network.save_pretrained(tmp_path)
    numbers = load_file(tmp_path / "model.safetensors")
    del numbers["head.conv2.bias"]
    save_file(numbers, tmp_path / "model.safetensors")
    with pytest.raises(WeightsError, match=r"graph\.onnx cannot be run: "):
        OnnxRuntime(tmp_path)


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"'abacus'.*accepted: auto, cpu"):
        choose_onnx_device("abacus")
    with pytest.raises(ConfigError, match="'mps'"):
        Matting.from_pretrained(runtime="onnx", device="mps")


def test_a_runtime_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"'caffe'; accepted: auto, torch, onnx"):
        Matting.from_pretrained(runtime="caffe")


def test_another_number_of_threads_gives_the_same(monkeypatch):
    runtime = OnnxRuntime(bundled_folder("lite"))
    given = layout(runtime.config, 64, 96)
    monkeypatch.setattr(threads, "_wanted", 1)
    alone = runtime.run(given)
    monkeypatch.setattr(threads, "_wanted", 2)
    np.testing.assert_allclose(runtime.run(given), alone, atol=1e-6)


FORKED = None


def run_forked(_: int) -> float:
    return float(FORKED.run(layout(FORKED.config, 64, 96)).sum())


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system has no fork"
)
def test_a_forked_process_runs_on(monkeypatch):
    global FORKED
    monkeypatch.setattr(threads, "_wanted", 2)
    FORKED = OnnxRuntime(bundled_folder("lite"))
    here = run_forked(0)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map_async(run_forked, [0]).get(timeout=60) == pytest.approx([here], rel=1e-4)
