"""What tests of the API share."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def files(scene, *names):
    return {name: (f"{name}.png", getattr(scene, name).read_bytes()) for name in names}


def opened(http, scene, *guide):
    response = http.post("/v1/sessions", files=files(scene, "image", *(guide or ("trimap",))))
    assert response.status_code == 201, response.text
    return response.json()


def pixels(response):
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def matches(found, alpha):
    """Whether 8 bits hold an opacity; threads of other number may round otherwise."""
    return np.abs(found.astype(int) - np.rint(alpha * 255)).max() <= 1


def problem(response, status, words):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert words in body["detail"]
    assert "\n" not in body["detail"]
    return body


def painted(scene) -> bytes:
    layer = np.zeros((*scene.marks.shape, 4), np.uint8)
    layer[20, 20:30] = (255, 255, 255, 255)
    layer[0, :] = (0, 0, 0, 255)
    file = io.BytesIO()
    Image.fromarray(layer).save(file, "PNG")
    return file.getvalue()
