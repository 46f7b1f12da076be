from __future__ import annotations

import shutil

import pytest
from PIL import Image

from lsamatting.weights import bundled_folder


def test_a_graph_alone_is_the_bundled_one(cli, tmp_path):
    outcome = cli("export", tmp_path / "graph.onnx", "--graph-only")
    assert outcome.code == 0, outcome.err
    assert "opset 18" in outcome.out
    assert (tmp_path / "graph.onnx").stat().st_size == pytest.approx(
        (bundled_folder("lite") / "graph.onnx").stat().st_size, rel=0.01
    )


def test_from_weights_by_way_of_examples_to_a_matte(cli, scene, weights, tmp_path):
    for kind in ("image", "trimap", "alpha"):
        (tmp_path / "set" / kind).mkdir(parents=True)
    shutil.copy(scene.image, tmp_path / "set" / "image" / "disc.png")
    shutil.copy(scene.trimap, tmp_path / "set" / "trimap" / "disc.png")
    shutil.copy(scene.mask, tmp_path / "set" / "alpha" / "disc.png")
    file = tmp_path / "few.onnx"
    outcome = cli(
        *("export", file, "--weights", weights),
        *("--numbers", "int8", "--examples", tmp_path / "set"),
    )
    assert outcome.code == 0, outcome.err
    assert "int8" in outcome.out
    assert outcome.out.count("differs from PyTorch by") == 6
    outcome = cli(
        *("matte", scene.image, scene.trimap, "-o", tmp_path / "a.png", "--weights", file)
    )
    assert outcome.code == 0, outcome.err
    assert Image.open(tmp_path / "a.png").size == scene.pixels.shape[1::-1]


def test_the_graph_beside_weights_is_no_place_for_a_whole_file(cli, weights, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(weights, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    outcome = cli("export", folder / "graph.onnx", "--weights", folder)
    assert outcome.code == 2
    assert "it is written with --graph-only" in outcome.error_line
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_disk_that_refuses_is_named(cli):
    outcome = cli("export", "/proc/x.onnx", "--graph-only")
    assert outcome.code == 2
    assert outcome.error_line.startswith("/proc/x.onnx: cannot be written")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{folder}/x.pt"], "a name in .onnx"),
        (["{folder}/nowhere/x.onnx"], "there is no folder"),
        (["{folder}/x.onnx", "--numbers", "int8"], "go together"),
        (["{folder}/x.onnx", "--examples", "{folder}"], "go together"),
        (["{folder}/x.onnx", "--numbers", "float16", "--graph-only"], "--graph-only"),
        (["{folder}/x.onnx", "--weights", "{folder}/y.onnx"], "no such weights"),
    ],
)
def test_mistakes_are_one_line(cli, tmp_path, arguments, reason):
    outcome = cli("export", *(argument.format(folder=tmp_path) for argument in arguments))
    assert outcome.code == 2
    assert reason in outcome.error_line
    assert list(tmp_path.iterdir()) == []
