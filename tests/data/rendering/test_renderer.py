"""The renderer's own process, with a script in place of Blender."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time


def wait_for(true, seconds=60.0):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_is_stopped_leaves_no_renderer_behind(photo_folder, tmp_path):
    blender, told = tmp_path / "blender", tmp_path / "pid"
    blender.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exit 0\necho $$ > {told}\nexec sleep 600\n')
    blender.chmod(0o755)
    command = [sys.executable, "-m", "lsamatting", "data", "render", tmp_path / "out"]
    options = ["--photos", photo_folder, "--count", "4", "--kinds", "glass", "--python", blender]
    rendering = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    wait_for(lambda: told.exists() and told.read_text().strip())
    rendering.send_signal(signal.SIGTERM)
    assert rendering.wait(timeout=60) == 1
    assert "interrupted" in rendering.stderr.read()
    wait_for(lambda: not is_running(int(told.read_text())))
