"""A picture that is kept open: trimap, matte, strokes, layers."""

from __future__ import annotations

import gzip
import io
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from lsamatting import Matting
from lsamatting.images import read_grey, read_picture, write_picture
from lsamatting.server.brush import BrushStroke
from lsamatting.server.finish import Finish
from lsamatting.server.pool import TimeLimitError
from tests.server.api_calls import files, matches, opened, pixels, problem

POINTS = [[28.0, 8.0, 3.0], [33.0, 9.0, 3.0]]


def test_a_session_from_picture_to_composite(http, scene, model):
    state = opened(http, scene)
    here = state["links"]["self"]
    assert (state["width"], state["height"], state["depth"]) == (56, 40, 8)
    assert state["revision"] == 0
    assert http.get(here).json() == {k: v for k, v in state.items() if k not in ("page", "finish")}
    computed = http.post(f"{here}/matte").json()
    assert computed["revision"] == 1
    assert computed["matte"]["changed"] == [0, 0, 56, 40]
    session = model.open(scene.image, scene.trimap)
    matte = session.predict()
    assert matches(pixels(http.get(f"{here}/alpha")), matte.alpha)
    assert np.array_equal(pixels(http.get(f"{here}/picture")), scene.pixels)
    assert np.array_equal(pixels(http.get(f"{here}/trimap")), scene.marks)
    on_red = pixels(http.get(f"{here}/composite", params={"on": "#f00"}))
    assert np.abs(on_red - matte.composite("#f00") * 255).max() < 2
    deep, depth = read_grey(
        Image.open(io.BytesIO(http.get(f"{here}/alpha", params={"depth": 16}).content))
    )
    assert depth == 16
    assert np.abs(deep - matte.alpha).max() < 1e-3
    assert http.delete(here).status_code == 204
    assert problem(http.get(here), 404, "open the picture again")["type"].endswith("no-session")


def test_strokes_are_followed_and_taken_back(http, scene, model):
    here = opened(http, scene)["links"]["self"]
    before = http.post(f"{here}/matte").json()
    alpha = pixels(http.get(f"{here}/alpha"))
    painted = http.post(f"{here}/strokes", json={"points": POINTS, "opacity": 0}).json()
    assert len(painted["strokes"]) == 1
    assert painted["revision"] == before["revision"] + 1
    mask = BrushStroke(tuple(map(tuple, POINTS)), 0).mask(40, 56)
    corrected = pixels(http.get(f"{here}/alpha"))
    assert not corrected[mask].any()
    session = model.open(scene.image, scene.trimap)
    session.stroke(mask, 0)
    assert matches(corrected, session.predict().alpha)
    assert http.get(f"{here}/strokes").json() == painted["strokes"]
    http.patch(f"{here}/strokes/0", json={"enabled": False})
    assert np.array_equal(pixels(http.get(f"{here}/alpha")), alpha)
    http.patch(f"{here}/strokes/0", json={"enabled": True})
    assert np.array_equal(pixels(http.get(f"{here}/alpha")), corrected)
    undone = http.delete(f"{here}/strokes/last").json()
    assert undone["strokes"] == []
    assert np.array_equal(pixels(http.get(f"{here}/alpha")), alpha)
    problem(http.delete(f"{here}/strokes/last"), 422, "no stroke")


def test_strokes_and_averaging(http, scene):
    here = opened(http, scene)["links"]["self"]
    exact = {"points": [[20.0, 30.0, 2.0]], "opacity": 0.5, "exact": True}
    http.put(
        f"{here}/strokes",
        json=[{"points": POINTS, "opacity": 0}, exact],
        params={"compute": False},
    )
    assert http.post(f"{here}/matte", json={"tta": True}).status_code == 200
    mask = BrushStroke(tuple(map(tuple, POINTS)), 0).mask(40, 56)
    matte = Matting.from_pretrained(device="cpu", tta=True)(
        scene.image, scene.trimap, strokes=[(mask, 0)]
    )
    expected = matte.alpha.copy()
    expected[BrushStroke(((20.0, 30.0, 2.0),), 0.5).mask(40, 56)] = 0.5
    assert matches(pixels(http.get(f"{here}/alpha")), expected)


def test_an_exact_stroke_changes_its_pixels_only(http, scene):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    before = pixels(http.get(f"{here}/alpha"))
    stroke = {"points": POINTS, "opacity": 0.5, "exact": True}
    changed = http.post(f"{here}/strokes", json=stroke).json()["matte"]["changed"]
    after = pixels(http.get(f"{here}/alpha"))
    mask = BrushStroke(tuple(map(tuple, POINTS)), 0.5).mask(40, 56)
    assert np.all(after[mask] == 128)
    assert np.array_equal(after[~mask], before[~mask])
    x, y, width, height = changed
    assert (after != before)[y : y + height, x : x + width].sum() == (after != before).sum()


def test_a_soft_stroke_mixes_towards_its_rim(http, scene):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    before, _ = read_grey(pixels(http.get(f"{here}/alpha")))
    soft = {"points": [[28.0, 20.0, 8.0]], "opacity": 0.0, "hardness": 0.25}
    problem(http.post(f"{here}/strokes", json=soft), 422, "goes with exact strokes")
    http.post(f"{here}/strokes", json={**soft, "exact": True})
    after = pixels(http.get(f"{here}/alpha"))
    weights = BrushStroke(((28.0, 20.0, 8.0),), 0.0, exact=True, hardness=0.25).weights(40, 56)
    assert np.abs(after - before * (1 - weights) * 255).max() < 2
    assert after[20, 28] == 0
    project = http.post(f"{here}/project", json={}).content
    again = http.post("/v1/sessions", files={"project": ("image.lsm", project)}).json()
    assert again["strokes"][0]["hardness"] == 0.25


def test_a_refused_stroke_is_not_kept(http, scene):
    here = opened(http, scene)["links"]["self"]
    outside = {"points": [[500, 500, 2]], "opacity": 0}
    problem(http.post(f"{here}/strokes", json=outside), 422, "no pixel")
    assert http.get(f"{here}/strokes").json() == []
    problem(http.post(f"{here}/strokes", json={"points": [], "opacity": 0}), 422, "points")
    problem(http.patch(f"{here}/strokes/3", json={"enabled": False}), 422, "stroke 3")


def test_a_matte_needs_a_trimap(http, scene):
    response = http.post("/v1/sessions", files=files(scene, "image"))
    here = response.json()["links"]["self"]
    problem(http.post(f"{here}/matte"), 422, "no trimap yet")
    assert "alpha" not in response.json()["links"]
    told = http.put(f"{here}/trimap", files=files(scene, "mask"), data={"erode": 2, "dilate": 2})
    assert sum(told.json()[kind] for kind in ("background", "unknown", "foreground")) == 56 * 40
    assert http.post(f"{here}/matte").status_code == 200


def test_a_trimap_as_plain_values(http, scene):
    here = opened(http, scene)["links"]["self"]
    kind = {"Content-Type": "application/octet-stream"}
    values = scene.marks.copy()
    values[:5] = 255
    for body, headers in (
        (values.tobytes(), kind),
        (gzip.compress(values.tobytes()), {**kind, "Content-Encoding": "gzip"}),
    ):
        told = http.put(f"{here}/trimap", content=body, headers=headers)
        assert told.json()["foreground"] == int((values == 255).sum())
        assert np.array_equal(pixels(http.get(f"{here}/trimap")), values)
    short = http.put(f"{here}/trimap", content=values.tobytes()[1:], headers=kind)
    problem(short, 422, "fewer values")
    bomb = gzip.compress(bytes(10_000_000))
    zipped = {**kind, "Content-Encoding": "gzip"}
    problem(http.put(f"{here}/trimap", content=bomb, headers=zipped), 422, "more values")
    problem(http.put(f"{here}/trimap", content=b"xx", headers=zipped), 422, "gzip")
    wrong = bytes([7]) * values.size
    problem(http.put(f"{here}/trimap", content=wrong, headers=kind), 422, "0, 128 and 255")


def test_layers_in_part_scaled_and_finished(http, scene):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    alpha, _ = read_grey(pixels(http.get(f"{here}/alpha")))
    finish = {"shift": 1.5, "feather": 0.8, "low": 0.1, "high": 0.9}
    whole = pixels(http.get(f"{here}/alpha", params=finish))
    assert np.abs(whole - Finish(**finish).alpha(alpha) * 255).max() < 2
    part = pixels(http.get(f"{here}/alpha", params={**finish, "window": "10,5,30,20"}))
    assert np.array_equal(part, whole[5:25, 10:40])
    small = pixels(http.get(f"{here}/cutout", params={"fit": 560}))
    assert small.shape == (20, 28, 4)
    cropped = pixels(http.get(f"{here}/cutout", params={"crop": True}))
    rows, columns = np.nonzero(alpha > 0.5 / 255)
    assert cropped.shape[:2] == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    jpeg = {"format": "jpeg", "fit": 560}
    assert http.get(f"{here}/foreground", params=jpeg).status_code == 200
    problem(http.get(f"{here}/cutout", params=jpeg), 422, "cannot hold transparency")
    problem(http.get(f"{here}/alpha", params={"window": "50,0,30,20"}), 422, "not inside")
    problem(http.get(f"{here}/alpha", params={"low": 0.8, "high": 0.2}), 422, "low")
    problem(http.get(f"{here}/composite"), 422, "colour")
    problem(http.get(f"{here}/composite", params={"on": "/etc/passwd"}), 422, "not a colour")
    problem(http.get(f"{here}/composite", params={"on": "backdrop"}), 422, "no backdrop")


@pytest.mark.parametrize(
    ("asked", "depth"),
    [
        ({}, 16),
        ({"fit": 560}, 8),
        ({"fit": 560, "format": "tiff"}, 8),
        ({"fit": 560, "format": "exr"}, 32),
        ({"fit": 560, "depth": 16}, 16),
        ({"fit": 560, "depth": 32, "format": "tiff"}, 32),
    ],
    ids=str,
)
def test_what_is_scaled_down_has_8_bits_unless_told_otherwise(http, scene, tmp_path, asked, depth):
    image = tmp_path / "deep.png"
    write_picture(image, scene.pixels.astype(np.float32) / 255, depth=16)
    sent = {"image": ("deep.png", image.read_bytes()), **files(scene, "trimap")}
    here = http.post("/v1/sessions", files=sent).json()["links"]["self"]
    http.post(f"{here}/matte")
    answer = http.get(f"{here}/alpha", params=asked)
    assert answer.status_code == 200, answer.text
    values, found = read_grey(answer.content)
    assert found == depth
    assert values.shape == ((20, 28) if "fit" in asked else (40, 56))


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "exr"])
def test_exports(http, scene, tmp_path, format):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    suffix = {"tiff": "tif"}.get(format, format)
    file = tmp_path / f"cutout.{suffix}"
    file.write_bytes(http.get(f"{here}/cutout", params={"format": format}).content)
    read = read_picture(file)
    alpha, _ = read_grey(pixels(http.get(f"{here}/alpha")))
    assert np.abs(read.alpha - alpha).max() < 0.003


def test_a_backdrop(http, scene):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    sent = http.put(f"{here}/backdrop", files={"image": scene.image.read_bytes()})
    assert sent.status_code == 204
    found = pixels(http.get(f"{here}/composite", params={"on": "backdrop"}))
    outside = scene.marks == 0
    assert np.array_equal(found[outside], scene.pixels[outside])


def test_a_project_opens_to_the_same_pixels(http, scene):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte", json={"foreground": "none"})
    http.post(f"{here}/strokes", json={"points": POINTS, "opacity": 0})
    finish = {"shift": 1, "feather": 0.5, "low": 0, "high": 1, "decontaminate": 0.5}
    page = {"view": "alpha", "zoom": 2}
    project = http.post(f"{here}/project", json={"finish": finish, "page": page})
    assert 'filename="image.lsm"' in project.headers["content-disposition"]
    again = http.post("/v1/sessions", files={"project": ("image.lsm", project.content)}).json()
    assert again["finish"] == finish
    assert again["page"] == page
    assert again["name"] == "image.png"
    there = again["links"]["self"]
    assert http.get(f"{there}/strokes").json() == http.get(f"{here}/strokes").json()
    http.post(f"{there}/matte")
    for layer in ("picture", "trimap", "alpha", "cutout"):
        assert np.array_equal(
            pixels(http.get(f"{here}/{layer}", params=finish)),
            pixels(http.get(f"{there}/{layer}", params=finish)),
        )


def test_events_tell_of_progress(http, server, scene):
    here = opened(http, scene)["links"]["self"]
    seen = []
    with httpx.stream("GET", f"{server.address}{here}/events", timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "event: state"
        http.post(f"{here}/matte", json={"refine": True})
        http.delete(here)
        for line in lines:
            if line.startswith("event: "):
                seen.append(line[7:])
    assert seen[0] == "started"
    assert seen[-2:] == ["matte", "closed"]


def test_all_who_listen_are_told(http, server, scene, eventually):
    state = opened(http, scene)
    here = state["links"]["self"]

    def listen() -> str:
        with server.client() as one, one.stream("GET", f"{here}/events") as stream:
            return "".join(stream.iter_text())

    with ThreadPoolExecutor(2) as beside:
        heard = [beside.submit(listen) for _ in range(2)]
        eventually(lambda: len(server.service.sessions.get(state["id"]).listeners) == 2)
        http.post(f"{here}/matte")
        http.delete(here)
        first, second = (one.result(60) for one in heard)
    assert "event: matte" in first
    assert "event: closed" in first
    assert first == second


def test_options_that_cannot_be_followed_are_not_kept(http, server, scene, monkeypatch):
    here = opened(http, scene)["links"]["self"]
    http.post(f"{here}/matte")
    before = pixels(http.get(f"{here}/alpha"))

    async def too_late(*_: object) -> None:
        raise TimeLimitError

    with monkeypatch.context() as patch:
        patch.setattr(server.service, "compute", too_late)
        assert http.post(f"{here}/matte", json={"tta": True}).status_code == 504
    assert http.get(here).json()["options"]["tta"] is False
    assert np.array_equal(pixels(http.get(f"{here}/alpha")), before)
