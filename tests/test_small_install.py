"""What a small installation does, in an environment of its own: `make test-small`.

Only NumPy, SciPy, OpenCV, ONNX Runtime and the extra `serve` are there, and the package itself as a
wheel holds it. Where PyTorch is installed there is nothing to see here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if find_spec("torch") is not None:
    pytest.skip("PyTorch is installed", allow_module_level=True)

from lsamatting import Matting, Trimap
from lsamatting.client import Client, ServerError
from lsamatting.errors import MissingExtraError

PROGRAM = Path(sys.executable).with_name("lsamatting")


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


def opacity(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), np.float32) / 255


def test_nothing_large_came_with_it():
    for module in ("torch", "numba", "llvmlite", "pymatting", "huggingface_hub", "onnx"):
        assert find_spec(module) is None, module


def test_a_matte_by_the_command_line_and_by_python_is_the_same(scene, tmp_path):
    done = run("matte", scene.image, scene.trimap, "-o", tmp_path / "a.png", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runtime"] == "onnx"
    model = Matting.from_pretrained()
    alpha = model(scene.image, Trimap.read(scene.trimap)).alpha
    np.testing.assert_allclose(opacity(tmp_path / "a.png"), alpha, atol=0.51 / 255)
    # The disc's edge is opaque inside, clear outside, and something between on the way.
    assert alpha[scene.marks == 255].min() == 1
    assert alpha[scene.marks == 0].max() == 0
    assert 0.05 < alpha[scene.marks == 128].mean() < 0.95


def test_a_batch_works_in_processes_and_goes_on(scene, tmp_path):
    manifest = tmp_path / "list.jsonl"
    rows = [
        {"image": str(scene.image), "trimap": str(scene.trimap)},
        {"image": str(scene.image), "mask": str(scene.mask), "alpha": "masked.png"},
    ]
    manifest.write_text("\n".join(map(json.dumps, rows)))
    command = ("batch", manifest, "-o", tmp_path / "out", "--workers", "1")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert opacity(tmp_path / "out" / "masked.png").shape == scene.marks.shape
    assert run(*command).stdout.startswith("2 of 2 done, 2 of them before")


def test_a_trimap_and_what_is_installed(scene, tmp_path):
    done = run("trimap", scene.mask, "-o", tmp_path / "t.png")
    assert done.returncode == 0, done.stderr
    assert set(np.unique(np.asarray(Image.open(tmp_path / "t.png")))) == {0, 128, 255}
    report = json.loads(run("info", "--json").stdout)
    assert list(report["runtimes"]) == ["onnx"]
    assert report["extras"] == ["serve"]


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["train", "configs/lite.yaml"], "train"),
        (["convert", "theirs.pth", "{folder}/weights"], "torch"),
        (["export", "{folder}/lite.onnx"], "export"),
        (["batch", "{folder}/list.parquet", "-o", "{folder}/out"], "parquet"),
        (
            ["batch", "{image}", "--masks", "{mask}", "-o", "{folder}/o", "--engine", "ray"],
            "cluster",
        ),
        (["matte", "{image}", "{trimap}", "-o", "{folder}/a.png", "--refine"], "torch"),
        (["refine-foreground", "{image}", "{mask}", "-o", "{folder}/f.png"], "numba"),
    ],
)
def test_what_needs_more_says_so_in_one_line(scene, tmp_path, arguments, extra):
    places = {**vars(scene), "folder": tmp_path}
    (tmp_path / "list.parquet").touch()
    done = run(*(argument.format(**places) for argument in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"install it with pip install 'lsamatting[{extra}]'")


def test_python_is_told_too(scene):
    session = Matting.from_pretrained().open(scene.image, scene.trimap)
    assert session.predict().alpha.shape == scene.marks.shape
    with pytest.raises(MissingExtraError, match=r"lsamatting\[torch\]"):
        session.refine()
    with pytest.raises(MissingExtraError, match=r"lsamatting\[torch\]"):
        from lsamatting import LSANet  # noqa: F401


def test_the_server_mattes_follows_black_strokes_and_refuses_what_it_cannot(scene):
    process = subprocess.Popen(
        [PROGRAM, "serve", "--no-open", "--port", "0", "--workers", "1"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with Client(address) as client:
            assert client.matte(scene.image, trimap=scene.trimap).startswith(b"\x89PNG")
            with client.open(scene.image, trimap=scene.trimap) as session:
                session.compute()
                session.stroke([(28, 6, 2), (30, 6, 2)], opacity=0)
                session.compute()
                with pytest.raises(ServerError, match=r"lsamatting\[torch\]") as refused:
                    session.compute(refine=True)
                assert refused.value.status == 422
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
