from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

httpx = pytest.importorskip("httpx", reason="the server needs the extra serve")


def start(*arguments: str | Path) -> tuple[subprocess.Popen[str], str]:
    """Start the command and give it and the address that it prints."""
    code = "import sys; from lsamatting.cli.main import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            "serve",
            "--no-open",
            "--port",
            "0",
            "--device",
            "cpu",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_what_is_being_computed_is_finished_before_the_end(scene):
    process, address = start()
    files = {"image": scene.image.read_bytes(), "trimap": scene.trimap.read_bytes()}
    try:
        assert httpx.get(f"{address}health").json()["status"] == "ready"
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(
                httpx.post, f"{address}v1/matte", files=files, data={"tta": "true"}, timeout=120
            )
            while "lsamatting_jobs_running 1.0" not in httpx.get(f"{address}metrics").text:
                time.sleep(0.01)
            # Service managers send their signal to all processes of a service at once.
            os.killpg(process.pid, signal.SIGTERM)
            assert running.result().status_code == 200
    finally:
        _, errors = process.communicate(timeout=60)
    # The signal is passed on once all is done, so that whoever sent it sees what it did.
    assert process.returncode == -signal.SIGTERM, errors
    assert errors == ""


def test_others_are_asked_for_a_token():
    process, address = start("--host", "0.0.0.0")
    try:
        bare, _, token = address.partition("#token=")
        assert len(token) >= 24
        assert httpx.get(f"{bare}v1/given").status_code == 401
        shown = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{bare}v1/given", headers=shown).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_a_port_that_is_taken(cli):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        outcome = cli("serve", "--no-open", "--port", port)
    assert outcome.code == 2
    assert f"127.0.0.1:{port}: cannot listen there" in outcome.error_line


def test_weights_that_are_not_there(cli, tmp_path):
    outcome = cli("serve", "--port", 0, "--weights", tmp_path / "none")
    assert outcome.code == 2
    assert "no such weights" in outcome.error_line


@pytest.mark.parametrize(("text", "words"), [("short", "at least 16"), (None, "cannot be read")])
def test_a_token_file_of_no_use(cli, tmp_path, text, words):
    file = tmp_path / "token"
    if text is not None:
        file.write_text(text)
    outcome = cli("serve", "--port", 0, "--token-file", file)
    assert outcome.code == 2
    assert words in outcome.error_line


def test_a_picture_named_on_the_command_line_is_opened(scene):
    process, address = start(scene.image)
    try:
        assert httpx.get(f"{address}v1/given").json() == [{"number": 0, "name": "image.png"}]
        opened = httpx.post(f"{address}v1/sessions", data={"given": 0}, timeout=60).json()
        assert (opened["width"], opened["height"]) == (56, 40)
        assert "<script type" in httpx.get(address).text
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def test_a_picture_that_is_not_there(cli, tmp_path):
    outcome = cli("serve", "--no-open", "--port", 0, tmp_path / "none.png")
    assert outcome.code == 2
    assert "no such file" in outcome.error_line
