from __future__ import annotations

import io
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lsamatting.client import Client, ServerError

DOCS = Path(__file__).parents[2] / "docs/api.md"


@pytest.fixture
def client(server):
    with Client(server.address) as one:
        yield one


def pixels(data: bytes):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_one_picture(client, scene):
    alpha = pixels(client.matte(scene.image, trimap=scene.trimap))
    assert alpha.shape == scene.marks.shape
    assert np.all(alpha[scene.marks == 255] == 255)
    tiff = client.matte(scene.image.read_bytes(), mask=scene.mask, format="tiff", output="cutout")
    assert pixels(tiff).shape == (*scene.marks.shape, 4)
    assert pixels(client.trimap(mask=scene.mask, erode=2, dilate=2)).shape == scene.marks.shape
    assert pixels(client.foreground(scene.image, scene.mask, method="none")).shape[2] == 4


def test_a_picture_kept_open(client, scene, tmp_path):
    with client.open(scene.image) as session:
        assert session.size == (56, 40)
        told = session.set_trimap(scene.trimap)
        assert told["foreground"] == int((scene.marks == 255).sum())
        assert session.compute(foreground="none")["revision"] == 1
        assert session.stroke([(28, 8, 3)], 0.0)["revision"] == 2
        assert pixels(session.get("alpha"))[8, 28] == 0
        assert session.undo_stroke()["strokes"] == []
        session.save("cutout", tmp_path / "cutout.tif", depth=16)
        assert pixels(session.get("alpha", window=(0, 0, 8, 4))).shape == (4, 8)
        with pytest.raises(ServerError, match="unknown file type"):
            session.save("cutout", tmp_path / "cutout.xyz")
    assert (tmp_path / "cutout.tif").exists()
    with pytest.raises(ServerError) as caught:
        session.compute()
    assert caught.value.status == 404
    assert caught.value.kind.endswith("no-session")


def test_mistakes(client, scene, tmp_path):
    with pytest.raises(ServerError, match="cannot be opened"):
        client.matte(tmp_path / "none.png", trimap=scene.trimap)
    with pytest.raises(ServerError, match="send a trimap"):
        client.matte(scene.image)
    with Client("http://127.0.0.1:1") as nobody, pytest.raises(ServerError, match="no answer"):
        nobody.matte(scene.image, trimap=scene.trimap)


def test_the_commands_of_the_page(server, scene, tmp_path):
    """docs/api.md: every curl command, and the example in Python, as they stand there."""
    text = DOCS.read_text()
    # As large as a picture in which the example's stroke has room.
    for name, file in (
        ("photo.jpg", scene.image),
        ("trimap.png", scene.trimap),
        ("mask.png", scene.mask),
    ):
        Image.open(file).resize((448, 320), Image.Resampling.NEAREST).save(tmp_path / name)
    commands = [
        line.replace(" \\\n", " ")
        for line in text.replace("\\\n", "").splitlines()
        if line.startswith("    curl ")
    ]
    assert len(commands) == 4
    for command in commands:
        arguments = shlex.split(command.replace("http://localhost:8765", server.address))
        arguments.insert(1, "--fail-with-body")
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        Image.open(tmp_path / arguments[-1]).load()
    _, _, example = text.partition("    from lsamatting.client")
    lines = ["from lsamatting.client" + example.partition("\n\n##")[0]]
    code = "\n".join(lines[0].splitlines()).replace("\n    ", "\n")
    code = code.replace("http://localhost:8765", server.address)
    for name in ("photo.jpg", "trimap.png", "photo-cutout.png"):
        code = code.replace(f'"{name}"', repr(str(tmp_path / name)))
    exec(compile(code, "docs/api.md", "exec"), {})
    assert (tmp_path / "photo-cutout.png").exists()
