"""The page beside a server that is busy, hangs, or ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lsamatting import Matting, Trimap
from lsamatting.server.serving import listen
from tests.server.conftest import is_ready, wait_until
from tests.server.editor import LONG, Editor, draw_photo, edited, expect, pixels


@contextmanager
def serving(port: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the command as a user does, in a process that can be killed."""
    command = [sys.executable, "-m", "lsamatting", "serve", "--no-open", "--device", "cpu"]
    command += ["--runtime", "torch", "--workers", "1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"

    try:
        wait_until(lambda: is_ready(address), seconds=120)
        yield address, process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(60)


@pytest.fixture
def port() -> int:
    """One that is free."""
    with listen("127.0.0.1", 0) as bound:
        return int(bound.getsockname()[1])


def begin_long_matte(editor: Editor, photo: Path) -> None:
    editor.open(photo)
    editor.mark_disc()
    editor.page.get_by_text("Options").click()
    editor.page.get_by_label("Average 24 runs").check()
    editor.page.locator(".stage-top").focus()
    editor.page.keyboard.press("Enter")
    expect(editor.page.locator(".progress")).to_contain_text("%", timeout=LONG)


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_middle(browser, port, photo):
    """A job is lost with the server; the next one, at the same address, is brought up to all."""
    with serving(port) as (address, process), edited(browser, address) as editor:
        begin_long_matte(editor, photo)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        expect(editor.page.locator(".lost")).to_be_visible(timeout=LONG)
        editor.set_size(4)
        editor.tool("Subject").click()
        editor.paint((4, 60), (10, 60))
        with serving(port):
            expect(editor.page.locator(".lost")).to_be_hidden(timeout=LONG)
            editor.done()
            marks = editor.trimap()
            assert marks[60, 7] == 255
            alpha = pixels(editor.export("alpha"))
            expected = Matting.from_pretrained(device="cpu", tta=True)(photo, Trimap(marks)).alpha
            assert np.abs(alpha - expected * 255).max() <= 1


@pytest.mark.slow
def test_a_server_that_hangs_in_the_middle(browser, port, photo):
    """It takes the request and never answers: the page says so, and goes on when it is back."""
    with serving(port) as (address, process), edited(browser, address) as editor:
        begin_long_matte(editor, photo)
        process.send_signal(signal.SIGSTOP)
        expect(editor.page.locator(".lost")).to_be_visible(timeout=LONG)
        process.send_signal(signal.SIGCONT)
        expect(editor.page.locator(".lost")).to_be_hidden(timeout=LONG)
        editor.done()
        assert pixels(editor.export("alpha"))[60, 90] == 255


@pytest.mark.slow
def test_more_pictures_than_a_browser_has_connections(editor, tmp_path):
    """Each is opened, and mattes are computed of some while others are looked at."""
    files = [tmp_path / f"{number}.png" for number in range(8)]
    for file in files:
        draw_photo(file)
    editor.open(*files)
    thumbnails = editor.page.locator(".strip img")
    expect(thumbnails).to_have_count(8, timeout=LONG)
    for number in range(4):
        thumbnails.nth(number).click()
        editor.mark_disc()
        editor.page.locator(".stage-top").focus()
        editor.page.keyboard.press("Enter")
    for number in range(4):
        thumbnails.nth(number).click()
        expect(editor.button("Correct")).to_be_enabled(timeout=LONG)
        editor.idle()
        assert pixels(editor.export("alpha"))[60, 90] == 255
