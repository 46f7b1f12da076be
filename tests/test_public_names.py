from __future__ import annotations

import subprocess
import sys

import pytest

import lsamatting


@pytest.mark.parametrize("name", lsamatting.__all__)
def test_every_public_name_is_there(name):
    assert getattr(lsamatting, name).__name__ == name
    assert name in dir(lsamatting)


def test_no_other_name():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lsamatting.nonsense


def test_the_package_itself_imports_nothing_heavy():
    code = "import sys, lsamatting; print('torch' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "False"]
