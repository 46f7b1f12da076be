from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lsamatting.data.composition import (
    Composition,
    compose_dataset,
    composite_adobe,
    enlarged_size,
    read_names,
)
from lsamatting.errors import ConfigError, DatasetError, ImageError

SIDES = st.integers(1, 4000)


def pixel_by_pixel(foreground, alpha, background):
    """The published rule, one pixel at a time, on Python's own numbers."""
    height, width = alpha.shape
    behind = Image.fromarray(background)
    across, down = width / behind.width, height / behind.height
    ratio = across if across > down else down
    if ratio > 1:
        size = (math.ceil(behind.width * ratio), math.ceil(behind.height * ratio))
        behind = behind.resize(size, Image.Resampling.BICUBIC)
    result = np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            a = int(alpha[y, x]) / 255
            for c, (f, b) in enumerate(zip(foreground[y, x], behind.getpixel((x, y)), strict=True)):
                result[y, x, c] = (
                    int(f) if a >= 1 else int(a * int(f) + (1 - a) * b) if a > 0 else b
                )
    return result


@pytest.mark.parametrize(
    "size",
    [(9, 40), (40, 9), (9, 9), (23, 17), (60, 300), (300, 60)],
    ids=["narrow", "low", "small", "equal", "large and high", "large and wide"],
)
def test_agrees_with_one_pixel_at_a_time(size):
    rng = np.random.default_rng(0)
    width, height = 23, 17
    foreground = rng.integers(0, 256, (height, width, 3), np.uint8)
    alpha = rng.choice([0, 1, 60, 127, 254, 255], (height, width)).astype(np.uint8)
    background = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
    expected = pixel_by_pixel(foreground, alpha, background)
    np.testing.assert_array_equal(composite_adobe(foreground, alpha, background), expected)


@given(
    data=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)),
    seed=st.integers(0, 9),
    behind=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_agrees_at_any_size(data, seed, behind):
    rng = np.random.default_rng(seed)
    foreground = rng.integers(0, 256, (*data.shape, 3), np.uint8)
    background = rng.integers(0, 256, (*behind, 3), np.uint8)
    expected = pixel_by_pixel(foreground, data, background)
    np.testing.assert_array_equal(composite_adobe(foreground, data, background), expected)


def test_cuts_off_in_double_precision():
    # Every (foreground, background) for a few alphas, against exact integers: where these differ
    # from the double's cut-off value, that must be what Python's floats give.
    f, b = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    fore, back = np.repeat(f[..., None], 3, 2), np.repeat(b[..., None], 3, 2)
    below = 0
    for a in (1, 77, 128, 254):
        result = composite_adobe(fore, np.full((256, 256), a, np.uint8), back)[..., 0]
        exact = (a * f.astype(int) + (255 - a) * b.astype(int)) // 255
        below += int((result != exact).sum())
        for y, x in np.argwhere(result != exact):
            assert result[y, x] == int(a / 255 * int(f[y, x]) + (1 - a / 255) * int(b[y, x]))
    # If a rounding error never showed, this test would not tell doubles from integers.
    assert below > 0


def test_is_not_rounded():
    foreground = np.full((1, 1, 3), 255, np.uint8)
    background = np.full((1, 1, 3), 254, np.uint8)
    # 254/255 * 255 + 1/255 * 254 = 254.996
    assert composite_adobe(foreground, np.full((1, 1), 254, np.uint8), background).tolist() == [
        [[254, 254, 254]]
    ]


def test_strips_do_not_show():
    rng = np.random.default_rng(1)
    foreground = rng.integers(0, 256, (300, 4, 3), np.uint8)
    alpha = rng.integers(0, 256, (300, 4), np.uint8)
    background = rng.integers(0, 256, (300, 4, 3), np.uint8)
    np.testing.assert_array_equal(
        composite_adobe(foreground, alpha, background),
        pixel_by_pixel(foreground, alpha, background),
    )


def test_refuses_another_alpha():
    picture = np.zeros((3, 4, 3), np.uint8)
    with pytest.raises(ImageError, match="alpha is 3x4 pixels but the foreground is 4x3"):
        composite_adobe(picture, np.zeros((4, 3), np.uint8), picture)


@pytest.mark.parametrize(
    ("foreground", "background", "expected"),
    [
        ((1000, 300), (500, 400), (1000, 800)),  # by width
        ((300, 1000), (400, 500), (800, 1000)),  # by height
        ((500, 375), (500, 375), (500, 375)),  # a ratio of exactly 1
        ((400, 300), (500, 375), (500, 375)),
        ((500, 10), (500, 375), (500, 375)),
        ((335, 333), (333, 333), (336, 336)),  # 333 * (335 / 333) = 335.00000000000006
    ],
)
def test_ratio_rule(foreground, background, expected):
    assert enlarged_size(foreground, background) == expected


@given(foreground=st.tuples(SIDES, SIDES), background=st.tuples(SIDES, SIDES))
def test_enlarged_background_covers_and_no_more(foreground, background):
    width, height = enlarged_size(foreground, background)
    assert width >= foreground[0]
    assert height >= foreground[1]
    if background[0] >= foreground[0] and background[1] >= foreground[1]:
        assert (width, height) == background
    else:
        # One side fits, but for the pixel that a rounding error may add.
        assert min(width - foreground[0], height - foreground[1]) <= 1
        # The proportions are kept to within the rounding up.
        assert abs(width / background[0] - height / background[1]) <= 2 / min(background)


@pytest.fixture
def sources(tmp_path):
    """Three foregrounds of two modes, two backgrounds each, and trimaps."""
    rng = np.random.default_rng(0)
    folders = {name: tmp_path / name for name in ("fg", "alpha", "bg", "trimaps")}
    for folder in folders.values():
        folder.mkdir()
    names = ("b (1).png", "a.png", "c.png")
    for name, (width, height) in zip(names, [(30, 20), (12, 40), (8, 8)], strict=True):
        channels = 4 if name == "a.png" else 3
        pixels = rng.integers(0, 256, (height, width, channels), np.uint8)
        Image.fromarray(pixels).save(folders["fg"] / name)
        alpha = rng.integers(0, 256, (height, width), np.uint8)
        stored = alpha if name == "c.png" else np.repeat(alpha[..., None], 3, 2)
        Image.fromarray(stored).save(folders["alpha"] / name)
        for k in range(2):
            trimap = np.full((height, width), 128, np.uint8)
            Image.fromarray(trimap).save(folders["trimaps"] / f"{Path(name).stem}_{k}.png")
    backgrounds = tuple(f"2007_{n}.jpg" for n in (5, 3, 4, 0, 2, 1))
    for n, name in enumerate(backgrounds):
        size = [(25, 18), (60, 50)][n % 2]
        Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(folders["bg"] / name)
    return Composition(
        foregrounds=folders["fg"],
        alphas=folders["alpha"],
        backgrounds=folders["bg"],
        foreground_names=names,
        background_names=backgrounds,
        per_foreground=2,
    )


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_follows_the_lists(sources, tmp_path):
    out = tmp_path / "out"
    assert compose_dataset(out, sources, workers=1) == 6
    expected = ["b (1)_0", "b (1)_1", "a_0", "a_1", "c_0", "c_1"]
    assert {p.stem for p in (out / "merged").iterdir()} == set(expected)
    assert {p.name for p in (out / "alpha").iterdir()} == set(sources.foreground_names)
    assert not (out / "trimaps").exists()
    for stem, background in zip(expected, sources.background_names, strict=True):
        name = stem.rsplit("_", 1)[0] + ".png"
        foreground = np.asarray(Image.open(sources.foregrounds / name).convert("RGB"))
        alpha = np.asarray(Image.open(sources.alphas / name).convert("L"))
        behind = np.asarray(Image.open(sources.backgrounds / background))
        written = np.asarray(Image.open(out / "merged" / f"{stem}.png"))
        np.testing.assert_array_equal(written, pixel_by_pixel(foreground, alpha, behind))
        stored = Image.open(out / "alpha" / name)
        assert stored.mode == "L"
        np.testing.assert_array_equal(np.asarray(stored), alpha)


def test_the_background_profile_is_neither_applied_nor_kept(sources, tmp_path):
    from PIL import ImageCms

    path = sources.backgrounds / sources.background_names[0]
    picture = Image.open(path)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    # Stored without loss, so that only the profile differs.
    picture.save(path, "PNG")
    compose_dataset(tmp_path / "plain", sources, workers=1)
    picture.save(path, "PNG", icc_profile=profile)
    assert "icc_profile" in Image.open(path).info
    compose_dataset(tmp_path / "profile", sources, workers=1)
    first = "merged/b (1)_0.png"
    assert (tmp_path / "plain" / first).read_bytes() == (tmp_path / "profile" / first).read_bytes()
    assert "icc_profile" not in Image.open(tmp_path / "profile" / first).info


def test_processes_change_nothing(sources, tmp_path):
    sources = replace(sources, trimaps=tmp_path / "trimaps")
    compose_dataset(tmp_path / "one", sources, workers=1)
    compose_dataset(tmp_path / "two", sources, workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 6 + 3 + 6 + 1


def test_resumes(sources, tmp_path):
    out = tmp_path / "out"
    compose_dataset(out, sources, workers=1)
    complete = contents(out)
    (out / "merged" / "a_1.png").unlink()
    Image.new("RGB", (3, 3)).save(out / "merged" / "c_0.png")
    (out / "merged" / "c_1.png").write_bytes(b"")
    (out / "alpha" / "a.png").unlink()
    kept = out / "merged" / "a_0.png"
    untouched = kept.stat().st_mtime_ns
    assert compose_dataset(out, sources, workers=1) == 3
    assert contents(out) == complete
    assert kept.stat().st_mtime_ns == untouched
    assert compose_dataset(out, sources, workers=1) == 0


def test_looks_at_what_it_has_written(sources, tmp_path, monkeypatch):
    from lsamatting.data import composition

    def cut(path, samples):
        encode(path, samples[1:])

    def also(path, samples):
        encode(path, samples)
        encode(path.with_name("more.png"), samples)

    encode = composition.encode
    monkeypatch.setattr(composition, "encode", cut)
    with pytest.raises(DatasetError, match=r"b \(1\)_0\.png: is 30x19 pixels but its foreground"):
        compose_dataset(tmp_path / "cut", sources, workers=1)
    monkeypatch.setattr(composition, "encode", also)
    with pytest.raises(DatasetError, match=r"merged: holds 7 pictures, not 6"):
        compose_dataset(tmp_path / "also", sources, workers=1)


def test_trimaps_may_come_later(sources, tmp_path):
    out = tmp_path / "out"
    compose_dataset(out, sources, workers=1)
    assert compose_dataset(out, replace(sources, trimaps=tmp_path / "trimaps"), workers=1) == 0
    given_trimaps = contents(tmp_path / "trimaps")
    assert contents(out / "trimaps") == given_trimaps
    assert len(given_trimaps) == 6


def test_continues_only_what_is_its_own(sources, tmp_path):
    out = tmp_path / "out"
    compose_dataset(out, sources, workers=1)
    other = replace(sources, background_names=sources.background_names[::-1])
    with pytest.raises(DatasetError, match=r"composition\.json: made with another list of backgr"):
        compose_dataset(out, other, workers=1)
    Image.new("RGB", (3, 3)).save(out / "merged" / "stray.png")
    with pytest.raises(DatasetError, match=r"stray\.png: not written by this command \(1 such"):
        compose_dataset(out, sources, workers=1)


def test_does_not_adopt_what_others_have_made(sources, tmp_path):
    # The right names and sizes, say of a script that enlarges with another filter.
    compose_dataset(tmp_path / "out", sources, workers=1)
    (tmp_path / "out" / "composition.json").unlink()
    with pytest.raises(DatasetError, match=r"a_0\.png: not written by this command \(6 such files"):
        compose_dataset(tmp_path / "out", sources, workers=1)


def refused(sources, out, message, error=DatasetError):
    with pytest.raises(error, match=message):
        compose_dataset(out, sources, workers=1)
    assert not out.exists(), "something was written before all was checked"


def test_lists_must_fit(sources, tmp_path):
    out = tmp_path / "out"
    short = replace(sources, background_names=sources.background_names[:-1])
    refused(short, out, "3 foregrounds and 5 backgrounds; 2 backgrounds per foreground need 6")
    refused(replace(sources, foreground_names=(), background_names=()), out, "0 foregrounds")
    twice = replace(sources, foreground_names=("a.png", "c.png", "a.jpg"))
    refused(twice, out, r"names a\.png and a\.jpg")
    refused(replace(sources, per_foreground=0), out, "at least 1", ConfigError)


def test_every_file_is_there_and_fits(sources, tmp_path):
    out = tmp_path / "out"
    named = replace(sources, background_names=("none.jpg", *sources.background_names[1:]))
    refused(named, out, r"none\.jpg: no such file")
    (tmp_path / "trimaps" / "c_1.png").unlink()
    refused(replace(sources, trimaps=tmp_path / "trimaps"), out, r"c_1\.png: no such file")
    Image.new("L", (9, 8)).save(tmp_path / "trimaps" / "c_1.png")
    refused(
        replace(sources, trimaps=tmp_path / "trimaps"),
        out,
        r"c_1\.png: is 9x8 pixels but its foreground is 8x8",
    )
    Image.new("L", (12, 41)).save(sources.alphas / "a.png")
    refused(sources, out, r"a\.png: is 12x41 pixels but its foreground is 12x40")
    Image.new("P", (12, 40)).save(sources.alphas / "a.png")
    refused(sources, out, r"a\.png: a picture of Pillow's mode P; accepted are 1, L")
    (sources.foregrounds / "b (1).png").write_text("no picture")
    refused(sources, out, r"b \(1\)\.png: not a picture")


def test_damage_is_named(sources, tmp_path):
    path = sources.backgrounds / sources.background_names[3]
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DatasetError, match=rf"{path.name}: the file is damaged"):
        compose_dataset(tmp_path / "out", sources, workers=2)
    # What was finished stays, whole.
    for file in (tmp_path / "out" / "merged").iterdir():
        Image.open(file).load()


def test_reads_names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes("\ufeffretriever_1920 (1).png\r\n\r\nb.png \n".encode())
    assert read_names(path) == ("retriever_1920 (1).png", "b.png")
    path.write_text("a.png\nfg/b.png\n")
    with pytest.raises(DatasetError, match=r"line 2 is 'fg/b\.png', not the name of a file alone"):
        read_names(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="not a text file"):
        read_names(path)
    with pytest.raises(DatasetError, match=r"none\.txt: cannot be read"):
        read_names(tmp_path / "none.txt")
