"""What is done with the editor, from a photograph to a file, in a real browser."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsamatting import Matting, Trimap
from lsamatting.images import read_grey, read_picture, write_picture
from lsamatting.server.finish import Finish
from tests.server.editor import HEIGHT, LONG, WIDTH, expect, pixels


@pytest.fixture
def other(photo, tmp_path) -> Path:
    """The same photograph as a second picture."""
    return Path(shutil.copy(photo, tmp_path / "other.png"))


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
    stroke = editor.strokes()[0]
    session.stroke(stroke.mask(HEIGHT, WIDTH), stroke.opacity)
    matte = session.predict()
    assert np.abs(corrected - matte.alpha * 255).max() <= 1
    assert np.abs(cutout[..., :3] - matte.foreground * 255).max() <= 2


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
    editor.save_and_reopen(tmp_path / "disc.lsm")
    for layer, data in first.items():
        assert np.array_equal(pixels(data), pixels(editor.export(layer)))
    editor.button("Correct").click()
    expect(editor.page.locator(".strokes li")).to_have_count(1)


def test_a_project_that_the_server_let_go_of_follows_the_page(editor, photo, tmp_path, server):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    before = pixels(editor.export("alpha"))
    editor.button("Correct").click()
    editor.set_size(5)
    editor.paint((90, 18), (90, 30))
    editor.done()
    editor.save_and_reopen(tmp_path / "disc.lsm")
    editor.button("Correct").click()
    editor.button("Take last back").click()
    editor.done()
    server.service.sessions.close_all()
    assert np.array_equal(pixels(editor.export("alpha")), before)


def test_a_stroke_beside_the_picture_is_none(editor, photo):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    editor.button("Correct").click()
    editor.set_size(6)
    editor.paint((-20, 60), (-12, 70))
    editor.paint((-20, 60), (20, 60))
    editor.done()
    expect(editor.page.locator(".strokes li")).to_have_count(1)
    expect(editor.page.locator(".complaint")).to_be_hidden()


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
    assert len(editor.strokes()) == 3
    assert alpha[60, 61] == 255


def test_several_pictures_views_and_theme(editor, photo, tmp_path, artefacts):
    deep = tmp_path / "deep.tif"
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


def test_a_picture_behind_is_behind_every_picture(editor, photo, other, tmp_path):
    red = tmp_path / "red.png"
    Image.new("RGB", (9, 6), "red").save(red)
    editor.open(photo, other)
    thumbnails = editor.page.locator(".strip img")
    expect(thumbnails).to_have_count(2, timeout=LONG)
    editor.mark_disc()
    editor.matte()
    editor.button("Export").click()
    editor.page.get_by_label("What").select_option("composite")
    on = editor.page.locator(".panel .backdrop")
    with editor.page.expect_file_chooser() as chosen:
        on.get_by_role("button", name="Picture…").click()
    chosen.value.set_files(str(red))
    expect(on.get_by_role("button", name="Picture…")).to_have_attribute("aria-pressed", "true")
    thumbnails.first.click()
    editor.mark_disc()
    editor.matte()
    composite = pixels(editor.export("composite"))
    assert composite[5, 5].tolist() == [255, 0, 0]


def test_a_stroke_ends_with_the_picture_that_it_is_painted_on(editor, photo, other):
    editor.open(photo, other)
    thumbnails = editor.page.locator(".strip img")
    expect(thumbnails).to_have_count(2, timeout=LONG)
    stage = editor.page.locator(".stage-top")
    stage.focus()
    for key in ("p", "ArrowRight", "ArrowRight"):
        editor.page.keyboard.press(key)
    thumbnails.first.click()
    expect(editor.button("Undo")).to_be_disabled()
    stage.focus()
    editor.page.keyboard.press("ArrowRight")
    assert not (editor.trimap() == 255).any()
    thumbnails.last.click()
    expect(editor.button("Undo")).to_be_enabled()


def test_what_is_closed_stays_closed(editor, photo, other, server):
    """Whatever of it the server is still asked for, or about to open."""
    editor.open(photo)
    before = len(server.service.sessions)

    held = []
    editor.page.route("**/v1/sessions", lambda route: held.append(route))
    with editor.page.expect_file_chooser() as chosen:
        editor.button("Open…").click()
    with editor.page.expect_request("**/v1/sessions"):
        chosen.value.set_files(str(other))
    editor.page.get_by_label("Close other.png").click()
    with editor.page.expect_response(lambda response: response.request.method == "DELETE"):
        held[0].continue_()
    assert len(server.service.sessions) == before
    expect(editor.page.locator(".complaint")).to_be_hidden()


def test_parts_of_a_picture_take_each_others_place(editor):
    """What is half opaque is not drawn over itself, and what is transparent shows nothing below."""
    found = editor.page.evaluate("""async () => {
      const { drawParts } = await import("/static/js/stage.js");
      const part = (opacity, x, side) => {
        const drawn = new OffscreenCanvas(4, 4).getContext("2d");
        drawn.fillStyle = `rgb(255 0 0 / ${opacity})`;
        drawn.fillRect(0, 0, 4, 4);
        const bitmap = drawn.canvas.transferToImageBitmap();
        return { bitmap, x, y: 0, width: side, height: side, key: "" };
      };
      const context = new OffscreenCanvas(12, 12).getContext("2d");
      const parts = [part(0.5, 0, 12), part(0.5, 0, 4), part(0, 8, 4)];
      drawParts(context, parts, { width: 12, height: 12 });
      const { data } = context.getImageData(0, 2, 12, 1);
      return [2, 6, 10].map((x) => data[4 * x + 3]);
    }""")
    assert found == [128, 128, 0]


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


def test_strokes_are_listed_switched_and_taken_back(editor, photo):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    before = pixels(editor.export("alpha"))
    editor.button("Correct").click()
    editor.set_size(6)
    editor.tool("Partly").click()
    opacity = editor.page.get_by_role("spinbutton", name="Opacity")
    opacity.fill("30")
    opacity.press("Enter")
    editor.page.get_by_label("Only the painted pixels").check()
    editor.paint((120, 40), (124, 40))
    editor.done()
    painted = pixels(editor.export("alpha"))
    assert painted[40, 122] == round(0.3 * 255)
    editor.button("Correct").click()
    expect(editor.page.locator(".strokes li")).to_contain_text("30 %")
    editor.page.get_by_label("Stroke 1 counts").uncheck()
    editor.done()
    assert np.array_equal(pixels(editor.export("alpha")), before)
    editor.button("Correct").click()
    editor.page.get_by_label("Stroke 1 counts").check()
    editor.done()
    assert np.array_equal(pixels(editor.export("alpha")), painted)
    editor.button("Correct").click()
    editor.tool("Remove").click()
    editor.set_size(20)
    hardness = editor.page.get_by_role("spinbutton", name="Hardness").locator("visible=true")
    hardness.fill("50")
    hardness.press("Enter")
    editor.paint((90, 60))
    editor.done()
    soft = pixels(editor.export("alpha"))
    weights = editor.strokes()[1].weights(HEIGHT, WIDTH)
    assert np.abs(soft - painted * (1 - weights)).max() < 2
    assert np.unique(soft[60, 80:91]).size > 4
    editor.button("Correct").click()
    for _ in range(2):
        editor.button("Take last back").click()
        editor.done()
    expect(editor.page.locator(".strokes li")).to_have_count(0)
    assert np.array_equal(pixels(editor.export("alpha")), before)


def test_a_stroke_is_answered_by_one_run_until_matte_averages_again(editor, photo):
    editor.open(photo)
    editor.mark_disc()
    editor.page.get_by_text("Options").click()
    editor.page.get_by_label("Average 24 runs").check()
    editor.matte()
    editor.button("Correct").click()
    editor.set_size(6)
    editor.paint((120, 40), (124, 40))
    expect(editor.page.locator(".said")).to_contain_text("Matte averages again", timeout=LONG)
    editor.done()
    single = pixels(editor.export("alpha"))
    editor.button("Mark").click()
    expect(editor.page.get_by_label("Average 24 runs")).to_be_checked()
    editor.matte()
    averaged = pixels(editor.export("alpha"))
    stroke = editor.strokes()[0]
    session = Matting.from_pretrained(device="cpu").open(photo, Trimap(editor.trimap()))
    session.stroke(stroke.mask(HEIGHT, WIDTH), stroke.opacity)
    assert np.abs(single - session.predict().alpha * 255).max() <= 1
    assert averaged[40, 122] == single[40, 122] == 255
    assert not np.array_equal(averaged, single)


def test_every_export_is_what_python_gives(editor, photo, tmp_path):
    backdrop = tmp_path / "behind.png"
    ramp = np.broadcast_to(
        np.linspace(0, 255, WIDTH).astype(np.uint8)[None, :, None], (120, 180, 3)
    )
    Image.fromarray(np.ascontiguousarray(ramp)).save(backdrop)
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    matte = Matting.from_pretrained(device="cpu")(photo, Trimap(editor.trimap()))
    editor.button("Export").click()
    editor.page.get_by_label("What").select_option("composite")
    on = editor.page.locator(".panel .backdrop")
    on.get_by_role("button", name="White").click()
    white = pixels(editor.export("composite"))
    assert np.abs(white - matte.composite("white") * 255).max() < 2
    with editor.page.expect_file_chooser() as chosen:
        on.get_by_role("button", name="Picture…").click()
    chosen.value.set_files(str(backdrop))
    expect(on.get_by_role("button", name="Picture…")).to_have_attribute("aria-pressed", "true")
    on_ramp = pixels(editor.export("composite"))
    assert np.abs(on_ramp - matte.composite(ramp / np.float32(255)) * 255).max() < 2
    colours = pixels(editor.export("foreground", Format="tiff"))
    assert np.abs(colours - matte.foreground * 255).max() < 2
    webp = Image.open(io.BytesIO(editor.export("cutout", Format="webp")))
    assert webp.format == "WEBP"
    assert np.abs(np.asarray(webp)[..., 3] - matte.alpha * 255).max() < 2
    exr = tmp_path / "alpha.exr"
    exr.write_bytes(editor.export("alpha", Format="exr"))
    assert np.abs(read_grey(exr)[0] - matte.alpha).max() < 0.001
    editor.page.get_by_label("Crop to subject").check()
    rows, columns = np.nonzero(matte.alpha > 0.5 / 255)
    cropped = pixels(editor.export("alpha", Format="png"))
    assert cropped.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)


def test_the_finish_is_seen_at_once(editor, photo):
    editor.open(photo)
    editor.mark_disc()
    editor.matte()
    plain = pixels(editor.export("alpha")) / np.float32(255)
    editor.button("Finish").click()
    slider = editor.page.get_by_role("slider", name="Contract / expand")
    with editor.page.expect_response(lambda r: "/cutout?" in r.url and "shift=0.1" in r.url):
        slider.press("ArrowRight")
    for _ in range(9):
        slider.press("ArrowRight")
    expect(editor.page.get_by_role("spinbutton", name="Contract / expand")).to_have_value("1.0")
    found = pixels(editor.export("alpha"))
    assert np.abs(found - Finish(shift=1).alpha(plain) * 255).max() < 2
    editor.button("Finish").click()
    editor.button("Reset").click()
    assert np.abs(pixels(editor.export("alpha")) - plain * 255).max() < 1


@pytest.mark.slow
def test_24_megapixels(editor, tmp_path, artefacts):
    """From a picture and a trimap to a stroke's answer, exact wherever it is looked at."""
    width, height = 6000, 4000
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows - 2000, columns - 3000)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (70, 150, 90)
    image[away < 350] = (200, 60, 50)
    image[::7, ::5] //= 2
    photo = tmp_path / "large.png"
    Image.fromarray(image).save(photo, compress_level=1)
    marks = np.select([away < 300, away > 390], [255, 0], 128).astype(np.uint8)
    trimap = tmp_path / "large-trimap.png"
    Image.fromarray(marks).save(trimap)
    editor.width, editor.height = width, height
    editor.open(photo)
    with editor.page.expect_file_chooser() as chosen:
        editor.button("Load trimap…").click()
    with editor.page.expect_response(lambda r: "/trimap?" in r.url, timeout=LONG):
        chosen.value.set_files(str(trimap))
    expect(editor.button("Undo")).to_be_enabled(timeout=LONG)
    # Painting touches what it passes over, and nothing else.
    editor.set_size(120)
    editor.paint((2700, 2000), (2660, 2100))
    editor.page.screenshot(path=artefacts / "24-megapixels.png")
    found = editor.trimap()
    changed = found != marks
    assert changed.any()
    assert np.all(found[changed] == 255)
    left, right = np.flatnonzero(changed.any(axis=0))[[0, -1]]
    assert left >= 2590
    assert right <= 2770
    editor.button("Mark").click()
    editor.matte()
    alpha = pixels(editor.export("alpha"))
    assert np.array_equal(alpha[found != 128], found[found != 128])
    # The network sees the unknown part and what is close to it, also at half the size: so does it
    # of a piece.
    top, bottom, left, right = 1400, 2600, 2400, 3600
    piece = slice(top, bottom), slice(left, right)
    session = Matting.from_pretrained(device="cpu").open(image[piece], Trimap(found[piece]))
    assert np.abs(alpha[piece] - session.predict().alpha * 255).max() <= 1
    editor.button("Correct").click()
    expect(editor.page.locator(".stage-top")).to_be_visible()
    asked: list[str] = []
    editor.page.on(
        "request", lambda request: "/cutout?" in request.url and asked.append(request.url)
    )
    editor.set_size(40)
    editor.tool("Remove").click()
    editor.paint((3340, 2000), (3360, 2040))
    editor.done()
    for _ in range(200):
        if any("window" not in url for url in asked):
            break
        editor.page.wait_for_timeout(100)
    # The stroke's surroundings come first, then the whole.
    assert ["window" in url for url in asked[:2]] == [True, False]
    stroke = editor.strokes()[0]
    session.stroke(stroke.mask(height, width)[piece], 0)
    corrected = pixels(editor.export("alpha"))
    assert np.abs(corrected[piece] - session.predict().alpha * 255).max() <= 1
    editor.page.mouse.move(*editor.on_screen(3340, 2000))
    for _ in range(8):
        editor.page.mouse.wheel(0, -240)
    editor.page.wait_for_timeout(1500)
    editor.page.screenshot(path=artefacts / "24-megapixels-close.png")
