"""The editor as a user handles it in a real browser; tests that use it are passed over without one.

CHROMIUM names the browser; with it set nothing may be passed over.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsamatting.server.brush import BrushStroke

BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium")
try:
    from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
except ImportError:
    if os.environ.get("CHROMIUM"):
        raise
    pytest.skip("these tests need playwright (pip)", allow_module_level=True)
if not BROWSER:
    pytest.skip("these tests need a browser: CHROMIUM names one", allow_module_level=True)

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG = 90_000
"""Milliseconds that anything may take on a machine that does other things as well."""

WIDTH, HEIGHT = 180, 120


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield chromium
        chromium.close()


def draw_photo(path: Path) -> None:
    """Write a furry disc, red before green."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - 60, columns - 90)
    ragged = away + 5 * np.sin(np.arctan2(rows - 60, columns - 90) * 24)
    inside = np.clip((36 - ragged) / 4, 0, 1)[..., None]
    pixels = inside * (200, 60, 50) + (1 - inside) * (70, 150, 90) + rng.normal(0, 6, (120, 180, 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


class Editor:
    """The page as a user handles it."""

    def __init__(self, page: Page, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.page, self.width, self.height = page, width, height

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True).locator("visible=true").first

    def tool(self, name: str) -> Locator:
        return self.page.locator(".panel").get_by_role("button", name=name, exact=True)

    def open(self, *files: Path) -> None:
        with self.page.expect_file_chooser(timeout=LONG) as chosen:
            self.button("Open…").click()
        chosen.value.set_files([str(file) for file in files])
        expect(self.page.locator(".panel")).to_be_visible(timeout=LONG)
        self.idle()

    def idle(self) -> None:
        expect(self.page.locator(".progress")).to_be_hidden(timeout=LONG)

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a pixel of the fitted picture is."""
        box = self.page.locator(".stage-top").bounding_box()
        assert box is not None
        scale = min((box["width"] - 48) / self.width, (box["height"] - 48) / self.height, 4)
        return (
            box["x"] + (box["width"] - self.width * scale) / 2 + x * scale,
            box["y"] + (box["height"] - self.height * scale) / 2 + y * scale,
        )

    def paint(self, *points: tuple[float, float]) -> None:
        self.page.mouse.move(*self.on_screen(*points[0]))
        self.page.mouse.down()
        for point in points[1:] or points:
            self.page.mouse.move(*self.on_screen(*point), steps=6)
        self.page.mouse.up()

    def set_size(self, size: int) -> None:
        field = self.page.get_by_label("Size").locator("visible=true").first
        field.fill(str(size))
        field.press("Enter")
        self.page.locator(".stage-top").focus()

    def mark_disc(self) -> None:
        """Paint the disc's middle, then all around it."""
        self.set_size(30)
        self.tool("Subject").click()
        self.paint((80, 55), (100, 55), (100, 66), (80, 66))
        self.tool("Background").click()
        self.paint((10, 10), (170, 10), (170, 110), (10, 110), (10, 10))

    def matte(self) -> None:
        # Nothing at first: the button shows that it was pressed before the answer is there.
        self.page.locator(".stage-top").focus()
        self.page.keyboard.press("Enter")
        self.done()

    def done(self) -> None:
        expect(self.page.locator(".said")).to_contain_text("Done", timeout=LONG)
        self.idle()
        # What was said goes away, so that the next answer is not taken for this one.
        self.page.evaluate("() => { document.querySelector('.said').textContent = ''; }")

    def export(self, layer: str, **choices: str) -> bytes:
        self.button("Export").click()
        self.page.get_by_label("What").select_option(layer)
        for label, value in choices.items():
            self.page.get_by_label(label).select_option(value)
        with self.page.expect_download(timeout=LONG) as download:
            self.page.locator("section:visible .primary").click()
        return Path(download.value.path()).read_bytes()

    def trimap(self) -> np.ndarray:
        return pixels(self.export("trimap"))

    def project(self) -> bytes:
        with self.page.expect_download(timeout=LONG) as download:
            self.page.keyboard.press("Control+s")
        return Path(download.value.path()).read_bytes()

    def save_and_reopen(self, project: Path) -> None:
        """Save everything to a file, and begin anew with it."""
        project.write_bytes(self.project())
        self.page.reload()
        self.open(project)
        self.done()

    def strokes(self) -> list[BrushStroke]:
        """What the project says was painted."""
        with zipfile.ZipFile(io.BytesIO(self.project())) as archive:
            told = json.loads(archive.read("manifest.json"))["strokes"]
        return [BrushStroke(**{**one, "points": tuple(map(tuple, one["points"]))}) for one in told]


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@contextmanager
def edited(browser: Browser, address: str, **options: object) -> Iterator[Editor]:
    """Open the page; it may fail at nothing, and ask nothing of anybody else."""
    context = browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **options}
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: _local(request.url, address, problems))
    page.goto(address)
    expect(page.locator(".welcome")).to_be_visible()
    yield Editor(page)
    context.close()
    assert not problems


def _local(url: str, address: str, problems: list[str]) -> None:
    if not url.startswith((address, "blob:", "data:")):
        problems.append(f"asked {url}")
