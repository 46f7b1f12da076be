from __future__ import annotations

import subprocess
import sys

from lsamatting.locking import lock


def test_one_holder_at_a_time(tmp_path):
    path = tmp_path / "f"
    with path.open("w+b") as first, path.open("r+b") as second:
        assert lock(first)
        assert not lock(second)
        first.close()
        assert lock(second)


def test_a_process_that_dies_lets_go(tmp_path):
    path = tmp_path / "f"
    code = (
        "import os; from lsamatting.locking import lock\n"
        f"file = open({str(path)!r}, 'w+b'); print(lock(file), flush=True); os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
    with path.open("r+b") as file:
        assert lock(file)


def test_a_locked_file_can_be_read(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"results")
    with path.open("r+b") as file:
        assert lock(file)
        assert path.read_bytes() == b"results"
        assert file.read() == b"results"
