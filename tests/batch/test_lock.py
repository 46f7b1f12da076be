from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from lsamatting.batch.addresses import save_bytes
from lsamatting.batch.lock import SILENCE, locked
from lsamatting.errors import ConfigError, ImageError

HOLD = """
import sys
from lsamatting.batch.lock import locked

with locked(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


def test_two_runs_in_one_folder(tmp_path):
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    other.stdout.readline()
    with pytest.raises(ConfigError, match="another run is writing"), locked(str(tmp_path)):
        pass
    other.kill()
    other.communicate()
    # However it ended, it is out of the way.
    with locked(str(tmp_path)):
        pass


def test_two_runs_at_one_url(store):
    url = f"memory://{store.root}"
    with (
        locked(url),
        pytest.raises(ConfigError, match=r"another run .*process \d+ on .* seen 0 s ago"),
        locked(url),
    ):
        pass
    assert not store.exists(f"{store.root}/.lock")
    dead = json.dumps({"by": "?", "time": time.time() - SILENCE - 1}).encode()
    store.pipe_file(f"{store.root}/.lock", dead)
    with locked(url):
        pass


def test_a_server_that_fails_once_does_not_end_the_signs_of_life(store, monkeypatch):
    from lsamatting.batch import lock

    answers: list[bool] = []

    def save(address: str, data: bytes) -> None:
        answers.append(len(answers) == 1)
        if answers[-1]:
            raise ImageError(f"{address}: cannot be written (timed out)")
        save_bytes(address, data)

    monkeypatch.setattr(lock, "BEAT", 0.01)
    monkeypatch.setattr(lock, "save_bytes", save)
    with locked(f"memory://{store.root}"):
        deadline = time.monotonic() + 30
        while len(answers) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert answers[:3] == [False, True, False]
