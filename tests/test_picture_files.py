import pytest

from lsamatting.errors import ImageError
from lsamatting.picture_files import (
    READABLE_SUFFIXES,
    best_depth,
    check_destination,
    files_in,
    pictures_in,
)


def test_pictures_in_folders_in_order(tmp_path):
    for name in (
        "b.png",
        "a/z.JPG",
        "a/.hidden.png",
        "a.png",
        "notes.txt",
        ".git/x.png",
        "c/y.avif",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing")

    def names(files):
        return [file.relative_to(tmp_path).as_posix() for file in files]

    assert names(pictures_in(tmp_path)) == ["a.png", "b.png"]
    everything = names(pictures_in(tmp_path, recursive=True))
    assert everything == ["a/z.JPG", "a.png", "b.png", "c/y.avif"]
    assert set(names(files_in(tmp_path))) - {"a.png", "b.png"} == {"gone.png", "notes.txt"}


def test_check_destination_options(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        check_destination(tmp_path / "later" / "p.png")
    check_destination(tmp_path / "later" / "p.png", parent_exists=False)
    check_destination(tmp_path / "P.PNG", depth=16, alpha=True)


@pytest.mark.parametrize(
    ("name", "wanted", "best"),
    [("a.png", 8, 8), ("a.png", 32, 16), ("a.JPG", 16, 8), ("a.tif", 32, 32), ("a.tif", 16, 16)],
)
def test_best_depth(name, wanted, best):
    assert best_depth(name, wanted) == best


def test_readable_suffixes_cover_what_can_be_written():
    assert {".png", ".jpg", ".webp", ".tif", ".bmp", ".exr"} <= set(READABLE_SUFFIXES)
