from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lsamatting.errors import MissingExtraError
from lsamatting.extras import EXTRAS, extra_of, installed, require

DECLARED = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())


def test_extras_are_those_that_the_package_declares():
    assert set(EXTRAS) | {"all", "dev"} == set(DECLARED["project"]["optional-dependencies"])


def test_all_is_everything_that_a_user_may_want():
    (everything,) = DECLARED["project"]["optional-dependencies"]["all"]
    named = re.fullmatch(r"lsamatting\[(.*)\]", everything)
    assert set(named.group(1).split(",")) == set(EXTRAS) - {"render", "cluster"}


def test_one_line_says_what_needs_it_and_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    assert not installed("numba")
    with pytest.raises(MissingExtraError, match=r"^frobnicating needs .*'lsamatting\[numba\]'$"):
        require("numba", "frobnicating")


def test_a_module_belongs_to_the_smallest_extra_that_brings_it():
    assert extra_of("torch.nn") == "torch"
    assert extra_of("pymatting.alpha") == "peers"
    assert extra_of("antigravity") is None
    assert extra_of(None) is None


MATTE = ["matte", "{image}", "{trimap}", "-o"]
COMMANDS = {
    "a matte": ([*MATTE, "{folder}/alpha.png", "--cutout", "{folder}/cutout.png"], None),
    "strokes": ([*MATTE, "{folder}/corrected.png", "--strokes", "{folder}/strokes.png"], None),
    "a trimap": (["trimap", "{mask}", "-o", "{folder}/trimap.png"], None),
    "information": (["info"], None),
    "refinement": ([*MATTE, "{folder}/a.png", "--refine"], "torch"),
    "the runtime torch": ([*MATTE, "{folder}/a.png", "--runtime", "torch"], "torch"),
    "OpenEXR": ([*MATTE, "{folder}/a.exr"], "exr"),
    "a repository": ([*MATTE, "{folder}/a.png", "--weights", "someone/matting"], "hub"),
    "converting": (["convert", "theirs.pth", "{folder}/weights"], "torch"),
    "training": (["train", "configs/lite.yaml"], "train"),
    "re-estimating": (["refine-foreground", "{image}", "{mask}", "-o", "{folder}/f.png"], "numba"),
    "the server": (["serve"], "serve"),
}

WITHOUT_EXTRAS = """
import contextlib, io, json, sys
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))
from lsamatting.cli.main import main
for arguments in json.loads(sys.argv[2]):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(arguments)
    print(json.dumps([code, errors.getvalue()]))
"""


def test_what_needs_no_extra_works_and_what_needs_one_says_so_in_one_line(scene, tmp_path):
    """One process in which no optional module can be imported runs all the commands."""
    from PIL import Image

    Image.new("LA", scene.pixels.shape[1::-1], (0, 255)).save(tmp_path / "strokes.png")
    places = {**vars(scene), "folder": tmp_path}
    wanted = [[part.format(**places) for part in command] for command, _ in COMMANDS.values()]
    blocked = sorted({module for modules in EXTRAS.values() for module in modules})
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, json.dumps(blocked), json.dumps(wanted)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outcomes = map(json.loads, done.stdout.splitlines())
    for (name, (_, extra)), (code, errors) in zip(COMMANDS.items(), outcomes, strict=True):
        if extra is None:
            assert (name, code, errors) == (name, 0, "")
        else:
            (line,) = errors.splitlines()
            assert (name, code) == (name, 2)
            assert line.endswith(f"pip install 'lsamatting[{extra}]'"), line
    assert {"alpha.png", "cutout.png", "trimap.png"} <= {file.name for file in tmp_path.iterdir()}
