"""Mouse, pen, fingers, keyboard, clipboard and dropped files, in a real browser."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from PIL import Image

from lsamatting.server.brush import BrushStroke
from tests.server.editor import HEIGHT, LONG, WIDTH, Editor, edited, expect, pixels

Point = tuple[float, float]


def brushed(radius: float, *points: Point) -> np.ndarray:
    """The pixels that a brush passes over."""
    return BrushStroke(tuple((x, y, radius) for x, y in points), 1).mask(HEIGHT, WIDTH)


def agree(found: np.ndarray, expected: np.ndarray) -> bool:
    """The two may round a distance that equals the radius differently."""
    return bool(np.mean(found != expected) < 0.002)


def test_brush_line_fill_and_eraser(editor, photo):
    editor.open(photo)
    page = editor.page
    editor.set_size(10)
    editor.tool("Subject").click()
    ring = [(40, 30), (140, 30), (140, 90), (40, 90), (40, 30)]
    editor.paint(ring[0])
    page.keyboard.down("Shift")
    for corner in ring[1:]:
        page.mouse.click(*editor.on_screen(*corner))
    page.keyboard.up("Shift")
    expected = np.full((HEIGHT, WIDTH), 128)
    outline = brushed(5, *ring)
    expected[outline] = 255
    assert agree(editor.trimap(), expected)
    editor.button("Mark").click()
    editor.tool("Fill").click()
    page.mouse.click(*editor.on_screen(90, 60))
    expected[30:90, 40:140] = 255
    editor.tool("Background").click()
    editor.paint((20, 10), (160, 10))
    expected[brushed(5, (20, 10), (160, 10))] = 0
    editor.tool("Erase").click()
    editor.paint((90, 20), (90, 40))
    expected[brushed(5, (90, 20), (90, 40))] = 128
    assert agree(editor.trimap(), expected)


def test_a_soft_brush_leaves_unknown_along_its_rim(editor, photo):
    editor.open(photo)
    page = editor.page
    editor.set_size(40)
    editor.tool("Background").click()
    editor.paint((30, 60), (150, 60))
    for _ in range(5):
        page.keyboard.press("Shift+BracketLeft")
    expect(page.get_by_role("spinbutton", name="Hardness")).to_have_value("50")
    editor.tool("Subject").click()
    editor.paint((90, 40))
    expected = np.full((HEIGHT, WIDTH), 128)
    expected[brushed(20, (30, 60), (150, 60))] = 0
    expected[brushed(20, (90, 40))] = 128
    expected[brushed(10, (90, 40))] = 255
    assert agree(editor.trimap(), expected)


def test_a_pen_presses(editor, photo):
    editor.open(photo)
    editor.set_size(40)
    editor.tool("Subject").click()
    speaker = editor.page.context.new_cdp_session(editor.page)

    def pen(kind: str, place: Point, force: float) -> None:
        x, y = editor.on_screen(*place)
        speaker.send(
            "Input.dispatchMouseEvent",
            {
                "type": kind,
                "x": x,
                "y": y,
                "button": "left",
                "buttons": int(kind != "mouseReleased"),
                "clickCount": 1,
                "force": force,
                "pointerType": "pen",
            },
        )

    expected = np.full((HEIGHT, WIDTH), 128)
    for place, force in (((40, 60), 1.0), ((110, 60), 0.5), ((150, 60), 0.01)):
        pen("mousePressed", place, force)
        pen("mouseReleased", place, 0)
        # However lightly it is put down it leaves a mark.
        expected[brushed(20 * max(force, 0.15), place)] = 255
    assert agree(editor.trimap(), expected)


def test_fingers(browser, server, photo):
    """One paints, two move and zoom."""
    size = {"width": 390, "height": 844}
    with edited(browser, server.address, viewport=size, has_touch=True) as editor:
        page = editor.page
        editor.open(photo)
        editor.set_size(10)
        speaker = page.context.new_cdp_session(page)

        def touch(kind: str, *points: Point) -> None:
            places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
            speaker.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

        x, y = editor.on_screen(90, 60)
        scale = editor.on_screen(91, 60)[0] - x
        touch("touchStart", (x, y))
        touch("touchStart", (x, y), (x + 40, y))
        for step in range(1, 6):
            touch("touchMove", (x + 8 * step, y), (x + 40 + 8 * step, y))
        touch("touchEnd")
        # The second finger told that the first had not come to paint.
        expect(editor.button("Undo")).to_be_disabled()
        touch("touchStart", (x, y))
        touch("touchMove", (x, y + 20))
        touch("touchEnd")
        expect(editor.button("Undo")).to_be_enabled()
        moved = 90 - 40 / scale
        expected = np.full((HEIGHT, WIDTH), 128)
        expected[brushed(5, (moved, 60), (moved, 60 + 20 / scale))] = 255
        assert agree(editor.trimap(), expected)
        zoom = page.locator(".zoom")
        before = int(zoom.text_content().rstrip(" %"))
        touch("touchStart", (x, y))
        touch("touchStart", (x, y), (x + 40, y))
        for step in range(1, 6):
            touch("touchMove", (x - 8 * step, y), (x + 40 + 8 * step, y))
        touch("touchEnd")
        expect(zoom).to_have_text(f"{round(before * 3)} %")


def test_keys_that_move_and_choose(editor, photo, artefacts):
    editor.open(photo)
    page, keyboard = editor.page, editor.page.keyboard
    zoom = page.locator(".zoom")
    size = page.get_by_role("spinbutton", name="Size").locator("visible=true")
    editor.set_size(40)
    keyboard.press("]")
    expect(size).to_have_value("46")
    keyboard.press("[")
    expect(size).to_have_value("40")
    keyboard.press("u")
    expect(editor.tool("Unknown")).to_have_attribute("aria-pressed", "true")
    keyboard.press("x")
    expect(editor.tool("Subject")).to_have_attribute("aria-pressed", "true")
    keyboard.press("1")
    expect(zoom).to_have_text("100 %")
    keyboard.press("0")
    expect(zoom).to_have_text("400 %")
    # The space bar turns the brush into a hand: what is painted after lies elsewhere.
    start = editor.on_screen(90, 60)
    page.mouse.move(*start)
    keyboard.down(" ")
    page.mouse.down()
    page.mouse.move(start[0] + 80, start[1], steps=3)
    page.mouse.up()
    keyboard.up(" ")
    expect(editor.button("Undo")).to_be_disabled()
    page.mouse.click(*start)
    expected = np.full((HEIGHT, WIDTH), 128)
    expected[brushed(20, (70, 60))] = 255
    assert agree(editor.trimap(), expected)
    page.mouse.move(*start)
    page.mouse.wheel(0, -150)
    expect(zoom).to_have_text(f"{round(400 * np.exp(0.5))} %")
    for _ in range(10):
        keyboard.press("+")
    expect(zoom).to_have_text("1600 %")
    page.screenshot(path=artefacts / "pixels.png")


def test_ctrl_o_opens(editor, photo):
    editor.page.locator("body").click(position={"x": 5, "y": 400})
    chosen = []
    editor.page.on("filechooser", lambda chooser: chosen.append(chooser))
    # A key right after the page's start can come before the page listens.
    for _ in range(LONG // 1000):
        editor.page.keyboard.press("Control+o")
        editor.page.wait_for_timeout(1000)
        if chosen:
            break
    assert chosen[-1].is_multiple()
    chosen[-1].set_files(str(photo))
    expect(editor.page.locator(".name")).to_have_text("disc.png", timeout=LONG)


def drop(editor: Editor, *files: Path) -> None:
    """Let go of files over the page."""
    speaker = editor.page.context.new_cdp_session(editor.page)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        event = {"type": kind, "x": 400, "y": 400, "data": data}
        speaker.send("Input.dispatchDragEvent", event)


def test_dropped_files(editor, photo, tmp_path):
    drop(editor, photo)
    expect(editor.page.locator(".facts")).to_contain_text(f"{WIDTH} × {HEIGHT}", timeout=LONG)
    editor.idle()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(rows - 60, columns - 90)
    marks = np.select([away < 28, away > 44], [255, 0], 128).astype(np.uint8)
    trimap = tmp_path / "known.png"
    Image.fromarray(marks).save(trimap)
    drop(editor, trimap)
    asked = editor.page.get_by_role("dialog")
    expect(asked).to_contain_text("known.png", timeout=LONG)
    with editor.page.expect_response(lambda response: "/trimap?" in response.url):
        asked.get_by_role("button", name="A trimap of this picture").click()
    expect(editor.button("Undo")).to_be_enabled(timeout=LONG)
    assert np.array_equal(editor.trimap(), marks)
    drop(editor, photo, trimap)
    expect(editor.page.locator(".strip li")).to_have_count(3, timeout=LONG)


def test_a_pasted_picture(editor, photo):
    page = editor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (text) => {
            const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/png" });
            await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
        }""",
        base64.b64encode(photo.read_bytes()).decode(),
    )
    page.keyboard.press("Control+v")
    expect(page.locator(".facts")).to_contain_text(f"{WIDTH} × {HEIGHT}", timeout=LONG)
    editor.idle()
    editor.mark_disc()
    editor.matte()
    assert pixels(editor.export("cutout")).shape == (HEIGHT, WIDTH, 4)
