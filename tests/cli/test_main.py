from __future__ import annotations

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
