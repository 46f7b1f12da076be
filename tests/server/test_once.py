"""One picture in, one result out, and nothing is kept."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lsamatting import Trimap
from lsamatting.images import read_picture
from tests.server.api_calls import files, matches, painted, pixels, problem


def test_matte_is_that_of_python(http, scene, model):
    response = http.post("/v1/matte", files=files(scene, "image", "trimap"))
    assert response.headers["content-type"] == "image/png"
    assert 'filename="image-alpha.png"' in response.headers["content-disposition"]
    assert matches(pixels(response), model(scene.image, scene.trimap).alpha)


def test_cutout_as_tiff(http, scene, model):
    response = http.post(
        "/v1/matte",
        files=files(scene, "image", "trimap"),
        data={"output": "cutout"},
        headers={"Accept": "image/tiff"},
    )
    assert response.headers["content-type"] == "image/tiff"
    matte = model(scene.image, scene.trimap)
    found = pixels(response)
    assert matches(found[..., 3], matte.alpha)
    assert np.abs(found[..., :3] - matte.foreground * 255).max() < 2


def test_links_when_json_is_accepted(http, scene):
    response = http.post(
        "/v1/matte",
        files=files(scene, "image", "mask"),
        data={"erode": 3, "dilate": 3},
        headers={"Accept": "application/json"},
    )
    body = response.json()
    assert body["revision"] == 1
    assert pixels(http.get(body["links"]["alpha"])).shape == scene.marks.shape
    assert pixels(http.get(body["links"]["cutout"])).shape == (*scene.marks.shape, 4)


def test_nothing_else_is_accepted(http, scene):
    response = http.post(
        "/v1/matte", files=files(scene, "image", "trimap"), headers={"Accept": "text/html"}
    )
    problem(response, 406, "image/png")


def test_trimap_of_a_mask(http, scene):
    response = http.post("/v1/trimap", files=files(scene, "mask"), data={"erode": 3, "dilate": 2})
    assert np.array_equal(pixels(response), Trimap.from_mask(scene.mask, erode=3, dilate=2).values)


def test_trimap_of_strokes(http, scene):
    found = pixels(http.post("/v1/trimap", files={"strokes": ("s.png", painted(scene))}))
    expected = np.full(scene.marks.shape, 128)
    expected[20, 20:30], expected[0] = 255, 0
    assert np.array_equal(found, expected)


def test_a_picture_beside_a_mask_or_strokes_counts(http, scene):
    seen = read_picture(scene.image).visible()
    found = http.post("/v1/trimap", files=files(scene, "image", "mask"))
    assert np.array_equal(pixels(found), Trimap.from_mask(scene.mask, image=seen).values)
    sent = {"strokes": ("s.png", painted(scene)), **files(scene, "image")}
    proposed = pixels(http.post("/v1/trimap", files=sent))
    assert (proposed == 128).mean() < 0.9  # more is known than what was painted
    matte = http.post("/v1/matte", files=sent, headers={"Accept": "application/json"})
    assert np.array_equal(pixels(http.get(matte.json()["links"]["trimap"])), proposed)


def test_foreground_of_a_known_matte(http, scene):
    response = http.post(
        "/v1/foreground",
        files={"image": scene.image.read_bytes(), "alpha": scene.mask.read_bytes()},
        data={"output": "cutout", "method": "none"},
    )
    found = pixels(response)
    assert np.array_equal(found[..., :3], scene.pixels)
    assert np.array_equal(found[..., 3], np.asarray(Image.open(scene.mask)))


@pytest.mark.parametrize(
    ("names", "data", "words"),
    [
        (("image",), {}, "send a trimap"),
        (("image", "trimap", "mask"), {}, "trimap and mask"),
        (("image", "trimap"), {"erode": 3}, "go with a mask"),
        (("image", "trimap"), {"depth": 7}, "depth"),
        (("image", "trimap"), {"weights": "/etc/passwd"}, "accepted here: lite"),
        (("trimap",), {}, "image"),
    ],
)
def test_mistakes_are_told(http, scene, names, data, words):
    problem(http.post("/v1/matte", files=files(scene, *names), data=data), 422, words)


def test_a_message_names_the_clients_file_and_not_ours(http, scene, server):
    response = http.post(
        "/v1/matte",
        files={"image": ("holiday.jpg", b"no picture"), "trimap": scene.trimap.read_bytes()},
    )
    body = problem(response, 422, "holiday.jpg: ")
    assert str(server.service.folder) not in body["detail"]
    assert body["type"] == "urn:lsamatting:problem:image"
