"""Uploads that mean harm, or are broken."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_says(width: int, height: int) -> bytes:
    """A small file that unpacks to a large picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def project(**entries: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return file.getvalue()


MANIFEST = {
    "kind": "lsamatting-project",
    "version": 1,
    "name": "x.png",
    "sha256": "0" * 64,
    "options": {},
    "strokes": [],
    "finish": {},
}


def refused(http, response, words=""):
    assert response.status_code in (413, 422), response.text
    body = response.json()
    assert words in body["detail"]
    assert len(body["detail"].splitlines()) == 1
    assert "/tmp" not in body["detail"]
    assert http.get("/health").status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 5000,
        b"GIF89a" + bytes(30),
        b"%PDF-1.4 <script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x76\x2f\x31\x01" + bytes(range(256)),
        b"II*\0" + bytes([8, 0, 0, 0]) * 40,
        b"\xff\xd8\xff\xe0" + bytes(100),
        png_that_says(10, 10)[:45],
        png_that_says(100_000, 100_000),
        png_that_says(2**31 - 1, 2**31 - 1),
    ],
)
def test_what_is_no_picture(http, scene, data):
    refused(http, http.post("/v1/sessions", files={"image": ("x.png", data)}), "x.png")
    files = {"image": scene.image.read_bytes(), "trimap": ("x.png", data)}
    refused(http, http.post("/v1/matte", files=files))


def test_truncated_at_any_place(http, scene):
    whole = scene.image.read_bytes()
    for end in (9, 20, 33, 60, len(whole) // 2):
        refused(http, http.post("/v1/sessions", files={"image": ("x.png", whole[:end])}), "x.png")


def test_a_picture_that_is_an_archive_as_well(http, scene):
    polyglot = scene.image.read_bytes() + project(manifest_dot_json=json.dumps(MANIFEST).encode())
    opened = http.post("/v1/sessions", files={"image": ("x.png", polyglot)})
    assert opened.status_code == 201
    served = http.get(f"{opened.json()['links']['self']}/picture")
    # What comes back is drawn anew, and says what it is.
    assert served.headers["content-type"] == "image/png"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert b"manifest" not in served.content


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"______etc__passwd": b"x"}, "holds"),
        ({"manifest_dot_json": b"{}"}, "missing"),
        ({"manifest_dot_json": b"{}", "picture": b"x"}, "manifest is wrong"),
        ({"manifest_dot_json": json.dumps(MANIFEST).encode(), "picture": b"x"}, "damaged"),
        (
            {"manifest_dot_json": json.dumps({**MANIFEST, "version": 9}).encode(), "picture": b""},
            "version 9",
        ),
        ({"manifest_dot_json": b"[" * 100_000, "picture": b"x"}, "manifest"),
        ({"manifest_dot_json": b"{}", "picture": b"x", "__picture": b"y"}, "holds '/picture'"),
    ],
)
def test_projects_that_are_none(http, entries, words):
    response = http.post("/v1/sessions", files={"project": ("x.lsm", project(**entries))})
    refused(http, response, words)


def test_a_project_that_is_a_bomb(http, server):
    most = server.service.settings.limits.body
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(MANIFEST))
        with archive.open("picture", "w") as file:
            for _ in range(most // 2**24 + 2):
                file.write(bytes(2**24))
    assert len(bomb.getvalue()) < most / 500
    response = http.post("/v1/sessions", files={"project": ("x.lsm", bomb.getvalue())})
    refused(http, response, "holds more than")


def test_names_are_only_shown(http, scene, server):
    name = "../../../etc/passwd\n<script>.png"
    opened = http.post("/v1/sessions", files={"image": (name, scene.image.read_bytes())}).json()
    assert "/" not in opened["name"]
    assert "\n" not in opened["name"]
    inside = {path.name for path in server.service.folder.rglob("*") if path.is_file()}
    assert not any("passwd" in one for one in inside)


def test_odd_values_are_refused(http, scene):
    files = {"image": scene.image.read_bytes(), "trimap": scene.trimap.read_bytes()}
    here = http.post("/v1/sessions", files=files).json()["links"]["self"]
    kind = {"Content-Type": "application/json"}
    for body in (
        '{"points": [[NaN, 1, 2]], "opacity": 0}',
        '{"points": [[1, 1, 1e400]], "opacity": 0}',
        '{"points": [[1, 1]], "opacity": 0}',
        '{"points": [[1, 1, -2]], "opacity": 0}',
        '{"points": "abc", "opacity": 0}',
        '{"points": [[1, 1, 2]], "opacity": 2}',
        '{"points": [[1, 1, 2]], "opacity": 0, "path": "/etc/passwd"}',
        "[]",
        "{",
    ):
        refused(http, http.post(f"{here}/strokes", content=body, headers=kind))
    assert http.get("/v1/sessions/..%2f..%2fetc/alpha").status_code in (404, 422)


numbers = st.floats(-200, 200, allow_nan=False)
points = st.lists(
    st.tuples(numbers, numbers, st.floats(0, 40, allow_nan=False)), min_size=1, max_size=6
)
strokes = st.fixed_dictionaries(
    {
        "points": points,
        "opacity": st.sampled_from([0.0, 0.25, 1.0]),
        "exact": st.just(True),
        "enabled": st.booleans(),
    }
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(strokes, max_size=4))
def test_any_strokes_leave_what_they_say(http, scene, many):
    from lsamatting.server.brush import BrushStroke

    files = {"image": scene.image.read_bytes(), "trimap": scene.trimap.read_bytes()}
    here = http.post("/v1/sessions", files=files).json()["links"]["self"]
    answer = http.put(f"{here}/strokes", json=many)
    assert answer.status_code == 200, answer.text
    alpha = np.asarray(Image.open(io.BytesIO(http.get(f"{here}/alpha").content)))
    left = np.full(alpha.shape, np.nan)
    for one in many:
        if one["enabled"]:
            mask = BrushStroke(tuple(one["points"]), one["opacity"]).mask(*alpha.shape)
            left[mask] = round(one["opacity"] * 255)
    painted = ~np.isnan(left)
    assert np.array_equal(alpha[painted], left[painted])
    http.delete(here)
