from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from lsamatting.batch.lock import SILENCE, locked
from lsamatting.errors import ConfigError

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
