from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lsamatting import __version__

COMMANDS = ["matte", "trimap", "info", "demo", "train", "data"]
HEAVY = [
    "torch",
    "cv2",
    "numba",
    "scipy",
    "numpy",
    "PIL",
    "lightning",
    "pymatting",
    "rich.progress",
]


def test_version(cli):
    outcome = cli("--version")
    assert (outcome.code, outcome.out) == (0, f"lsamatting {__version__}\n")


def test_help_names_every_command(cli):
    outcome = cli("--help")
    assert outcome.code == 0
    assert all(command in outcome.out for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments", [["matte"], ["nonsense"], ["matte", "--nonsense"], ["trimap"]]
)
def test_wrong_usage_is_2(cli, arguments):
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Error" in outcome.err


@pytest.mark.parametrize("command", COMMANDS[:4])
def test_each_command_has_help(cli, command):
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert f"lsamatting {command}" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["matte", "a.png", "b.png", "-o", ""], "-o"),
        (["matte", "a.png", "b.png", "--cutout="], "--cutout"),
        (["matte", "", "b.png"], "an argument"),
        (["trimap", "-", ""], "an argument"),
    ],
)
def test_nothing_is_taken_for_the_current_folder(cli, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert outcome.error_line.startswith(f"{named} is empty")
    assert not any(tmp_path.iterdir())


def test_ctrl_c_while_it_is_being_loaded_is_one_line(tmp_path):
    # What is imported first stands for what takes long, and for the signal.
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    run = subprocess.run(
        [sys.executable, "-m", "lsamatting", "info"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "interrupted\n")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from lsamatting.cli.main import main\n"
        "main(['--help'])\n"
        f"print('heavy:', [name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.splitlines()[-1] == "heavy: []"
