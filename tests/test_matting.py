from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lsamatting.weights
from lsamatting import Matting, Trimap
from lsamatting.errors import ConfigError, TrimapError, WeightsError
from lsamatting.images import read_picture


@pytest.fixture(scope="module")
def model(network):
    return Matting(network, device="cpu")


def test_paths_pictures_and_arrays_give_the_same_matte(model, scene):
    expected = model(scene.image, scene.trimap)
    for image, trimap in (
        (str(scene.image), Image.open(scene.trimap)),
        (Image.open(scene.image), scene.marks),
        (scene.pixels, Trimap.read(scene.trimap)),
        (scene.pixels.astype(np.float32) / 255, scene.marks.astype(np.float32) / 255),
        (read_picture(scene.image), scene.trimap),
    ):
        matte = model(image, trimap)
        np.testing.assert_array_equal(matte.alpha, expected.alpha)
        np.testing.assert_allclose(matte.foreground, expected.foreground, atol=1e-6)


def test_what_is_known_stays_and_the_rest_is_an_opacity(model, scene):
    matte = model(scene.image, scene.trimap)
    assert matte.alpha.dtype == np.float32
    assert matte.alpha.shape == scene.marks.shape
    assert matte.alpha.min() >= 0
    assert matte.alpha.max() <= 1
    assert (matte.alpha[scene.marks == 255] == 1).all()
    assert (matte.alpha[scene.marks == 0] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (33, 64), (70, 31)])
def test_any_size_comes_back(model, size):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), size)
    matte = model(image, trimap)
    assert matte.alpha.shape == size
    assert matte.foreground.shape == (*size, 3)
    assert np.isfinite(matte.alpha).all()


def test_cutout_over_its_own_ground_is_the_composite(model, scene):
    matte = model(scene.image, scene.trimap)
    cutout = matte.cutout()
    assert cutout.shape == (*scene.marks.shape, 4)
    ground = np.array([0.2, 0.4, 0.6], np.float32)
    laid = cutout[..., 3:] * cutout[..., :3] + (1 - cutout[..., 3:]) * ground
    np.testing.assert_allclose(matte.composite(ground), laid, atol=1e-6)


def test_composite_on_colours_and_pictures(model, scene):
    matte = model(scene.image, scene.trimap)
    Image.new("RGB", (9, 7), (255, 0, 0)).save(scene.folder / "red.png")
    expected = matte.composite(np.array([1, 0, 0]))
    for red in ("red", "#f00", (1, 0, 0), scene.folder / "red.png", str(scene.folder / "red.png")):
        np.testing.assert_allclose(matte.composite(red), expected, atol=1e-6)


def test_known_foreground_keeps_its_colours_and_none_keeps_all(model, scene):
    picture = scene.pixels.astype(np.float32) / 255
    inside = scene.marks == 255
    matte = model(scene.image, scene.trimap)
    np.testing.assert_array_equal(matte.foreground[inside], picture[inside])
    untouched = model(scene.image, scene.trimap, foreground="none").foreground
    np.testing.assert_array_equal(untouched, picture)


def test_seconds_add_up(model, scene):
    seconds = model(scene.image, scene.trimap).seconds
    parts = sum(spent for name, spent in seconds.items() if name != "total")
    assert 0 < parts <= seconds["total"]


def test_sizes_that_differ_are_both_named(model, scene):
    with pytest.raises(TrimapError, match=r"10x9.*56x40"):
        model(scene.image, np.full((9, 10), 128, np.uint8))
    Image.new("L", (10, 9), 128).save(scene.trimap)
    with pytest.raises(TrimapError, match=r"trimap\.png is 10x9.*image\.png is 56x40"):
        model(scene.image, scene.trimap)


def test_saved_weights_give_the_same_matte(model, scene, weights):
    loaded = Matting.from_pretrained(weights, device="cpu")
    expected = model(scene.image, scene.trimap).alpha
    found = loaded(scene.image, scene.trimap).alpha
    np.testing.assert_allclose(found, expected, atol=0.02)  # weights are saved in half precision


def test_saving_again_changes_nothing(weights, tmp_path):
    Matting.from_pretrained(weights, device="cpu").save_pretrained(tmp_path)
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (weights / name).read_bytes()


def test_a_bundled_name_comes_before_a_folder(weights, tmp_path, monkeypatch, scene):
    shutil.copytree(weights, tmp_path / "bundled" / "tiny")
    monkeypatch.setattr(lsamatting.weights, "_HERE", tmp_path / "bundled")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()
    assert Matting.from_pretrained("tiny", device="cpu").network.config


def test_a_repository_is_fetched_from_the_hub(weights, monkeypatch):
    asked = []

    def download(repository, name, **options):
        asked.append((repository, name, options["revision"]))
        return str(weights / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    Matting.from_pretrained("someone/matting", device="cpu", revision="v1")
    assert asked == [
        ("someone/matting", "config.json", "v1"),
        ("someone/matting", "model.safetensors", "v1"),
    ]


def test_a_repository_that_cannot_be_reached_is_one_line(monkeypatch):
    def download(*_, **__):
        raise OSError("no\nnetwork")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(WeightsError, match=r"^someone/matting: .* no network$"):
        Matting.from_pretrained("someone/matting")


def test_push_to_hub_uploads_config_weights_and_card(model, monkeypatch):
    uploaded = {}

    class Hub:
        def __init__(self, **_):
            pass

        def create_repo(self, *, repo_id, **_):
            return type("Repository", (), {"repo_id": repo_id})

        def upload_folder(self, *, folder_path, repo_id, **_):
            uploaded.update({path.name: path.read_bytes() for path in Path(folder_path).iterdir()})
            return f"https://huggingface.co/{repo_id}"

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    model.push_to_hub("someone/matting")
    assert set(uploaded) == {"config.json", "model.safetensors", "README.md"}
    assert b"apache-2.0" in uploaded["README.md"]


@pytest.mark.parametrize("name", ["heavy", "./nowhere", "/no/such/folder", "a/b/c"])
def test_unknown_weights(name):
    with pytest.raises(WeightsError, match="no such weights"):
        Matting.from_pretrained(name)


def test_damaged_weights(weights, tmp_path):
    shutil.copytree(weights, tmp_path / "w")
    file = tmp_path / "w" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"model\.safetensors"):
        Matting.from_pretrained(tmp_path / "w")


def test_a_refused_device_is_named(network, weights):
    with pytest.raises(ConfigError, match="abacus"):
        Matting(network, device="abacus")
    with pytest.raises(ConfigError, match="cuda:99"):
        Matting.from_pretrained(weights, device="cuda:99")


def test_notes_of_picture_and_trimap_come_along(model, scene):
    marks = scene.marks.copy()
    marks[marks == 255] = 128
    matte = model(scene.image, marks)
    assert any(note.source == "trimap" and "no foreground" in note.text for note in matte.notes)


def test_no_kernel_is_compiled_on_the_way_to_a_cutout(scene):
    """Neither Numba nor PyMatting is needed, with the bundled weights either."""
    code = (
        "import sys; sys.modules['numba'] = sys.modules['pymatting'] = None\n"
        "from lsamatting import Matting\n"
        "model = Matting.from_pretrained(device='cpu')\n"
        f"matte = model({str(scene.image)!r}, {str(scene.trimap)!r})\n"
        "print(matte.cutout().shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "(40, 56, 4)\n", done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": 5}, "5 bytes"),
        ({"memory": -1}, "-1 bytes"),
        ({"tta": "x"}, "tta 'x'"),
        ({"coarse_to_fine": "x"}, "coarse_to_fine 'x'"),
    ],
)
def test_options_are_checked_when_they_are_given(network, options, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        Matting(network, device="cpu", **options)


def test_a_misspelt_option_of_saving_is_told(model, scene, tmp_path):
    matte = model(scene.image, scene.trimap)
    for save in (matte.save, matte.save_cutout, matte.save_foreground):
        with pytest.raises(TypeError, match="quallity; accepted: depth, quality, suffix"):
            save(tmp_path / "a.png", quallity=50)
    assert not any(tmp_path.glob("a.*"))
