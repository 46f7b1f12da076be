"""The editor in a real browser. CHROMIUM names one; without it these tests are passed over."""

from __future__ import annotations

import io
import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsamatting import Matting, Trimap
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def artefacts(tmp_path) -> Path:
    """Where screenshots are kept: the folder that ARTEFACTS names, if it does."""
    folder = Path(os.environ.get("ARTEFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def photo(tmp_path) -> Path:
    """A furry disc, red before green."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - 60, columns - 90)
    ragged = away + 5 * np.sin(np.arctan2(rows - 60, columns - 90) * 24)
    inside = np.clip((36 - ragged) / 4, 0, 1)[..., None]
    pixels = inside * (200, 60, 50) + (1 - inside) * (70, 150, 90) + rng.normal(0, 6, (120, 180, 3))
    path = tmp_path / "disc.png"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


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


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture
def editor(browser, server) -> Iterator[Editor]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: _local(request.url, server.address, problems))
    page.goto(server.address)
    expect(page.locator(".welcome")).to_be_visible()
    yield Editor(page)
    context.close()
    assert not problems


def _local(url: str, address: str, problems: list[str]) -> None:
    if not url.startswith((address, "blob:", "data:")):
        problems.append(f"asked {url}")


def test_paint_matte_stroke_export(editor, photo, artefacts):
    editor.open(photo)
    editor.mark_disc()
    editor.page.screenshot(path=artefacts / "marks.png")
    editor.matte()
    editor.page.screenshot(path=artefacts / "matte.png")
    marks = editor.trimap()
    # The brush of 30 px around what was painted, as the page marks it.
    assert marks[60, 90] == 255
    assert marks[2, 90] == 0
    assert marks[60, 120] == 128
    model = Matting.from_pretrained(device="cpu")
    session = model.open(photo, Trimap(marks))
    alpha = pixels(editor.export("alpha"))
    assert np.abs(alpha - session.predict().alpha * 255).max() <= 1

    editor.button("Correct").click()
    editor.tool("Remove").click()
    editor.set_size(6)
    editor.paint((90, 20), (90, 36))
    editor.done()
    editor.page.screenshot(path=artefacts / "stroke.png")
    painted = editor.page.locator(".strokes li")
    expect(painted).to_have_count(1)
    corrected = pixels(editor.export("alpha"))
    assert corrected[28, 90] == 0
    assert alpha[28, 90] > 0
    cutout = pixels(editor.export("cutout"))
    assert np.array_equal(cutout[..., 3], corrected)
    # The same from Python, with the stroke that the project says was painted.
    stroke = strokes_of(save_project(editor))[0]
    session.stroke(stroke.mask(HEIGHT, WIDTH), stroke.opacity)
    matte = session.predict()
    assert np.abs(corrected - matte.alpha * 255).max() <= 1
    assert np.abs(cutout[..., :3] - matte.foreground * 255).max() <= 2


def save_project(editor: Editor) -> bytes:
    with editor.page.expect_download(timeout=LONG) as download:
        editor.page.keyboard.press("Control+s")
    return Path(download.value.path()).read_bytes()


def strokes_of(project: bytes) -> list[BrushStroke]:
    import json

    with zipfile.ZipFile(io.BytesIO(project)) as archive:
        told = json.loads(archive.read("manifest.json"))["strokes"]
    return [
        BrushStroke(tuple(map(tuple, one["points"])), one["opacity"], one["exact"], one["enabled"])
        for one in told
    ]


def test_undo_and_redo(editor, photo):
    editor.open(photo)
    editor.mark_disc()
    both = editor.trimap()
    editor.page.keyboard.press("Control+z")
    one = editor.trimap()
    assert (one == 0).sum() == 0
    assert np.array_equal(one == 255, both == 255)
    editor.page.keyboard.press("Control+z")
    assert np.all(editor.trimap() == 128)
    expect(editor.button("Undo")).to_be_disabled()
    editor.page.keyboard.press("Control+Shift+Z")
    editor.page.keyboard.press("Control+Shift+Z")
    assert np.array_equal(editor.trimap(), both)
    # Strokes too: the matte follows back and forth.
    editor.button("Mark").click()
    editor.matte()
    before = pixels(editor.export("alpha"))
    editor.button("Correct").click()
    editor.page.get_by_label("Only the painted pixels").check()
    editor.tool("Remove").click()
    editor.paint((90, 60))
    editor.done()
    after = pixels(editor.export("alpha"))
    assert after[60, 90] == 0
    editor.page.keyboard.press("Control+z")
    editor.done()
    assert np.array_equal(pixels(editor.export("alpha")), before)
    editor.page.keyboard.press("Control+Shift+Z")
    editor.done()
    assert np.array_equal(pixels(editor.export("alpha")), after)


def test_quick_mode(editor, photo, artefacts):
    editor.open(photo)
    editor.page.get_by_label("Quick mode").check()
    editor.set_size(10)
    editor.paint((85, 60), (95, 60))
    keep = editor.button("Keep proposal")
    expect(keep).to_be_visible(timeout=LONG)
    editor.tool("Background").click()
    with editor.page.expect_response(lambda response: "/proposal" in response.url):
        editor.paint((10, 10), (170, 10))
    editor.page.screenshot(path=artefacts / "quick.png")
    keep.click()
    marks = editor.trimap()
    # Inside is subject, outside background, and the edge is neither.
    assert marks[50, 80] == 255
    assert marks[100, 170] == 0
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - 60, columns - 90)
    assert np.all(marks[away < 20] == 255)
    assert np.all(marks[away > 56] == 0)
    assert np.mean(marks[(away > 32) & (away < 40)] == 128) > 0.8


def test_keyboard_only(editor, photo):
    """The sample picture, a mark, a matte, a stroke and an export, with no mouse."""
    keyboard, page = editor.page.keyboard, editor.page
    for _ in range(12):
        keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent") == "Try the sample picture":
            break
    keyboard.press("Enter")
    editor.done()
    page.evaluate("() => document.activeElement.blur()")
    keyboard.press("m")
    keyboard.press("F6")
    expect(page.locator(".stage-top")).to_be_focused()
    keyboard.press("x")
    expect(editor.tool("Background")).to_have_attribute("aria-pressed", "true")
    keyboard.press("p")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        keyboard.press(key)
    keyboard.press("p")
    keyboard.press("Enter")
    editor.done()
    keyboard.press("c")
    keyboard.press("x")
    keyboard.press("[")
    keyboard.press("p")
    keyboard.press("Shift+ArrowRight")
    keyboard.press("p")
    editor.done()
    expect(page.locator(".strokes li")).to_have_count(1)
    keyboard.down("Tab")
    expect(editor.button("Picture")).to_have_attribute("aria-pressed", "true")
    keyboard.up("Tab")
    expect(editor.button("Subject")).to_have_attribute("aria-pressed", "true")
    keyboard.press("F6")
    assert page.evaluate("() => document.activeElement.closest('.panel') !== null")
    page.locator(".stage-top").focus()
    keyboard.press("Control+e")
    with page.expect_download(timeout=LONG) as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename == "cat-cutout.png"
    assert pixels(Path(download.value.path()).read_bytes()).shape == (300, 451, 4)
    keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_project_opens_to_the_same_pixels(editor, photo, tmp_path):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    editor.button("Correct").click()
    editor.set_size(5)
    editor.paint((90, 18), (90, 30))
    editor.done()
    editor.button("Finish").click()
    feather = editor.page.get_by_role("spinbutton", name="Feather")
    feather.fill("1.5")
    feather.press("Enter")
    first = {layer: editor.export(layer) for layer in ("alpha", "cutout", "trimap")}
    project = tmp_path / "disc.lsm"
    project.write_bytes(save_project(editor))
    editor.page.reload()
    editor.open(project)
    editor.done()
    for layer, data in first.items():
        assert np.array_equal(pixels(data), pixels(editor.export(layer)))
    editor.button("Correct").click()
    expect(editor.page.locator(".strokes li")).to_have_count(1)


def test_a_lost_connection(editor, photo, server):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    editor.button("Correct").click()
    editor.set_size(6)
    editor.page.context.set_offline(True)
    editor.paint((90, 20), (90, 36))
    expect(editor.page.locator(".lost")).to_be_visible(timeout=LONG)
    # Painting goes on meanwhile.
    editor.paint((60, 60), (62, 60))
    expect(editor.page.locator(".strokes li")).to_have_count(2)
    editor.page.context.set_offline(False)
    expect(editor.page.locator(".lost")).to_be_hidden(timeout=LONG)
    editor.done()
    # The server has lost the session, too: it is opened again by itself.
    server.service.sessions.close_all()
    editor.paint((120, 60), (121, 62))
    editor.done()
    alpha = pixels(editor.export("alpha"))
    assert len(strokes_of(save_project(editor))) == 3
    assert alpha[60, 61] == 255


def test_several_pictures_views_and_theme(editor, photo, tmp_path, artefacts):
    deep = tmp_path / "deep.tif"
    from lsamatting.images import read_picture, write_picture

    write_picture(deep, read_picture(photo).pixels, depth=16)
    editor.open(photo, deep)
    thumbnails = editor.page.locator(".strip li")
    expect(thumbnails).to_have_count(2, timeout=LONG)
    expect(editor.page.locator(".facts")).to_contain_text("16 bits", timeout=LONG)
    editor.mark_disc()
    editor.matte()
    for view in ("Alpha", "Overlay", "Picture", "Marks", "Subject"):
        editor.button(view).click()
        editor.page.screenshot(path=artefacts / f"view-{view.lower()}.png")
    for backdrop in ("Black", "White", "Colour", "Checkerboard"):
        editor.button(backdrop).click()
    editor.button("Theme").click()
    editor.page.screenshot(path=artefacts / "light.png")
    editor.button("Theme").click()
    alpha = Image.open(io.BytesIO(editor.export("alpha", Bits="16")))
    assert alpha.mode.startswith("I")
    thumbnails.first.locator("button").first.click()
    expect(editor.page.locator(".name")).to_have_text("disc.png")
    editor.page.get_by_label("Close disc.png").click()
    expect(thumbnails).to_have_count(1)


def test_a_mask_and_its_band(editor, photo, tmp_path):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    mask = tmp_path / "mask.png"
    Image.fromarray((np.hypot(rows - 60, columns - 90) < 36).astype(np.uint8) * 255).save(mask)
    editor.open(photo)
    with editor.page.expect_file_chooser() as chosen:
        editor.button("Load mask…").click()
    with editor.page.expect_response(lambda response: "/trimap?" in response.url):
        chosen.value.set_files(str(mask))
    band = editor.page.get_by_role("spinbutton", name="Outwards")
    expect(band).to_be_visible(timeout=LONG)
    expected = Trimap.from_mask(mask, erode=10, dilate=10).values
    assert np.array_equal(editor.trimap(), expected)
    editor.button("Mark").click()
    band.fill("3")
    with editor.page.expect_response(lambda response: "/trimap?" in response.url):
        band.press("Enter")
    editor.page.wait_for_timeout(300)
    assert np.array_equal(editor.trimap(), Trimap.from_mask(mask, erode=10, dilate=3).values)


def test_a_file_that_is_no_picture(editor, tmp_path):
    file = tmp_path / "notes.png"
    file.write_text("not a picture")
    with editor.page.expect_file_chooser(timeout=LONG) as chosen:
        editor.button("Open…").click()
    chosen.value.set_files(str(file))
    alert = editor.page.locator(".complaint")
    expect(alert).to_contain_text("notes.png: ", timeout=LONG)
    expect(editor.page.locator(".welcome")).to_be_visible()
    alert.get_by_role("button").click()
    expect(alert).to_be_hidden()


def test_fingers(browser, server, photo):
    """One paints, two move and zoom."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(server.address)
    expect(page.locator(".welcome")).to_be_visible()
    editor = Editor(page)
    editor.open(photo)
    speaker = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        speaker.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    before = page.locator(".zoom").text_content()
    x, y = editor.on_screen(90, 60)
    touch("touchStart", (x, y))
    touch("touchStart", (x, y), (x + 40, y))
    for step in range(1, 6):
        touch("touchMove", (x - 8 * step, y), (x + 40 + 8 * step, y))
    touch("touchEnd")
    expect(page.locator(".zoom")).not_to_have_text(before or "")
    expect(editor.button("Undo")).to_be_disabled()
    touch("touchStart", (x, y))
    touch("touchMove", (x + 5, y + 5))
    touch("touchEnd")
    expect(editor.button("Undo")).to_be_enabled()
    context.close()


@pytest.mark.slow
def test_24_megapixels(editor, tmp_path, artefacts):
    width, height = 6000, 4000
    rows, columns = np.ogrid[:height, :width]
    inside = np.hypot(rows - 2000, columns - 3000) < 700
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (70, 150, 90)
    image[inside] = (200, 60, 50)
    image[::7, ::5] //= 2
    photo = tmp_path / "large.jpg"
    Image.fromarray(image).save(photo, quality=90)
    marks = np.full((height, width), 128, np.uint8)
    away = np.hypot(rows - 2000, columns - 3000)
    marks[away < 600] = 255
    marks[away > 740] = 0
    trimap = tmp_path / "large-trimap.png"
    Image.fromarray(marks).save(trimap)
    editor.width, editor.height = width, height
    editor.open(photo)
    with editor.page.expect_file_chooser() as chosen:
        editor.button("Load trimap…").click()
    with editor.page.expect_response(lambda r: "/trimap?" in r.url, timeout=LONG):
        chosen.value.set_files(str(trimap))
    expect(editor.button("Undo")).to_be_enabled(timeout=LONG)
    editor.set_size(120)
    started = time.perf_counter()
    editor.paint((2400, 2000), (2360, 2200))
    editor.page.screenshot(path=artefacts / "24-megapixels.png")
    painting = time.perf_counter() - started
    editor.page.mouse.move(*editor.on_screen(2400, 2000))
    for _ in range(8):
        editor.page.mouse.wheel(0, -240)
    editor.page.wait_for_timeout(1500)
    editor.page.screenshot(path=artefacts / "24-megapixels-close.png")
    found = editor.trimap()
    assert found.shape == (height, width)
    changed = found != marks
    assert changed.any()
    assert np.all(found[changed] == 255)
    left, right = np.flatnonzero(changed.any(axis=0))[[0, -1]]
    assert left >= 2290
    assert right <= 2470
    print(f"painted one stroke on 24 megapixels in {painting:.2f} s")
