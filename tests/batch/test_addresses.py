from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from lsamatting.batch.addresses import (
    absolute,
    fetch,
    is_url,
    join,
    parent,
    save,
    stamp,
    stem_of,
    suffix_of,
)
from lsamatting.errors import ImageError, LsamattingError


def test_paths_and_urls_taken_apart():
    url = "s3://bucket/a b/photo.large.JPG"
    assert is_url(url)
    assert not is_url("file:///x/y.png")
    assert (parent(url), stem_of(url), suffix_of(url)) == (
        "s3://bucket/a b",
        "photo.large",
        ".JPG",
    )
    assert suffix_of("https://host/p.png?size=1.5") == ".png"
    assert stem_of("https://host/p.png?size=1.5") == "p"
    assert join("s3://bucket/a/", "b.png") == "s3://bucket/a/b.png"


def test_what_an_address_means_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("a.png") == str(tmp_path / "a.png")
    assert absolute("../a.png", base=tmp_path / "deep") == str(tmp_path / "a.png")
    assert absolute("a.png", base="gs://b/c") == "gs://b/c/a.png"
    assert absolute("/a.png", base="gs://b/c") == "/a.png"
    assert absolute("gs://b/a.png", base="/x") == "gs://b/a.png"
    assert absolute("file:///x/a.png") == "/x/a.png"


def test_the_same_bytes_from_a_path_and_a_url(store, tmp_path):
    path, url = tmp_path / "a.bin", f"memory://{store.root}/deep/a.bin"
    for address in (str(path), url):
        written = save(address, lambda target, suffix: write(target, b"hello"))
        assert written == 5
        fetched = fetch(address)
        assert fetched.digest() == hashlib.sha256(b"hello").hexdigest()
        source = fetched.source
        assert (source.read_bytes() if isinstance(source, Path) else source.read()) == b"hello"
        assert fetched.stamp == stamp(address)
        assert fetched.stamp.bytes == 5


def write(target, data):
    target.write_bytes(data) if isinstance(target, Path) else target.write(data)


def test_a_stamp_follows_every_change(store, tmp_path):
    path, url = tmp_path / "a.bin", f"memory://{store.root}/a.bin"
    assert stamp(str(path)) is None
    assert stamp(url) is None
    for address in (str(path), url):
        seen = set()
        for number, data in enumerate((b"one", b"two", b"three")):
            save(address, lambda target, suffix, data=data: write(target, data))
            if address == str(path):
                os.utime(path, ns=(number, number))
            seen.add(stamp(address))
        assert len(seen) == 3


def test_nothing_is_left_of_a_file_that_could_not_be_written(store):
    def fail(target, suffix):
        target.write(b"half")
        raise ImageError("no more")

    url = f"memory://{store.root}/a.png"
    with pytest.raises(ImageError, match="no more"):
        save(url, fail)
    assert not store.exists(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [("memory:///none/a.png", "no such file"), ("nowhere://b/a.png", "nowhere")],
)
def test_what_cannot_be_fetched_is_one_line(url, words):
    with pytest.raises(LsamattingError, match=words) as raised:
        fetch(url)
    assert url in str(raised.value)
    assert "\n" not in str(raised.value)
