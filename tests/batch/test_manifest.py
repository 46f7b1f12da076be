from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsamatting.batch.job import OUTPUTS
from lsamatting.batch.manifest import jobs_of, read_manifest
from lsamatting.errors import LsamattingError, MissingExtraError
from lsamatting.extras import EXTRAS

CSV = """image,trimap,mask,cutout,pixels
a.jpg,t/a.png,,,100
"b, c.jpg",,s3://m/b.png,cut/b.webp,
/abs/d.png,t/d.png,,gs://out/d.png,
"""


def check(rows, folder) -> None:
    assert [row.image for row in rows] == [f"{folder}/a.jpg", f"{folder}/b, c.jpg", "/abs/d.png"]
    assert [row.guide for row in rows] == [f"{folder}/t/a.png", "s3://m/b.png", f"{folder}/t/d.png"]
    assert [row.is_mask for row in rows] == [False, True, False]
    assert [row.pixels for row in rows] == [100, 0, 0]
    jobs = jobs_of(rows, {"alpha": "/out"}, "/out")
    assert [job.outputs for job in jobs] == [
        {"alpha": "/out/a.png"},
        {"alpha": "/out/b, c.png", "cutout": "/out/cut/b.webp"},
        {"alpha": "/out/d.png", "cutout": "gs://out/d.png"},
    ]


def as_dicts() -> list[dict[str, object]]:
    return [
        {"image": "a.jpg", "trimap": "t/a.png", "pixels": 100},
        {"image": "b, c.jpg", "mask": "s3://m/b.png", "cutout": "cut/b.webp"},
        {"image": "/abs/d.png", "trimap": "t/d.png", "cutout": "gs://out/d.png"},
    ]


def test_csv(tmp_path):
    (tmp_path / "m.csv").write_text("\ufeff" + CSV, encoding="utf-8")
    check(read_manifest(str(tmp_path / "m.csv")), tmp_path)


def test_json_lines(tmp_path):
    text = "\n\n".join(json.dumps(row) for row in as_dicts())
    (tmp_path / "m.jsonl").write_text(text)
    check(read_manifest(str(tmp_path / "m.jsonl")), tmp_path)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        pyarrow.Table.from_pylist(
            [
                {**dict.fromkeys(OUTPUTS), **row}
                for row in [
                    {"image": None, "trimap": None, "mask": None, "pixels": None, **row}
                    for row in as_dicts()
                ]
            ]
        ),
        tmp_path / "m.parquet",
    )
    check(read_manifest(str(tmp_path / "m.parquet")), tmp_path)
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really PAR1")
    with pytest.raises(LsamattingError, match=r"bad\.parquet: not a Parquet file"):
        read_manifest(str(tmp_path / "bad.parquet"))


def test_parquet_without_its_reader(tmp_path, monkeypatch):
    monkeypatch.setitem(EXTRAS, "parquet", ("no_such_module",))
    (tmp_path / "m.parquet").write_bytes(b"PAR1")
    with pytest.raises(MissingExtraError, match=r"lsamatting\[parquet\]"):
        read_manifest(str(tmp_path / "m.parquet"))


def test_at_a_url_paths_lie_beside_the_manifest(store):
    store.pipe_file(f"{store.root}/in/m.csv", b"image,trimap\na.jpg,../t/a.png\n/abs.jpg,t.png\n")
    rows = read_manifest(f"memory://{store.root}/in/m.csv")
    assert [row.image for row in rows] == [f"memory://{store.root}/in/a.jpg", "/abs.jpg"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.csv", "image\na.jpg\n", ["m.csv: found image; needed are image, and trimap or mask"]),
        ("m.csv", "image,trimap,alhpa\n", ["found 'alhpa'", "alpha, cutout"]),
        ("m.csv", "image,trimap\n", ["no rows"]),
        ("m.csv", "", ["found nothing"]),
        ("m.csv", "image,trimap\na.jpg,t.png\nb.jpg,\n", ["line 3", "neither"]),
        ("m.csv", "image,trimap,mask\na.jpg,t.png,m.png\n", ["line 2", "both"]),
        ("m.csv", "image,trimap\n,t.png\n", ["line 2", "no image"]),
        ("m.csv", "image,trimap\na,b,c\n", ["line 2", "more cells"]),
        ("m.csv", "image,trimap,pixels\na,b,many\n", ["line 2", "'many'", "whole number"]),
        ("m.csv", b"image,trimap\n\xff,b\n", ["UTF-8"]),
        ("m.jsonl", '{"image": "a"\n', ["line 1", "not JSON"]),
        ("m.jsonl", '{"image": "a", "trimap": "b"}\n[]\n', ["line 2", "[]", "JSON object"]),
        ("m.jsonl", '{"image": 3, "trimap": "b"}\n', ["line 1", "image is 3"]),
        ("none.csv", None, ["none.csv", "No such file"]),
    ],
)
def test_mistakes_name_the_row(tmp_path, name, text, words):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LsamattingError) as raised:
        read_manifest(str(tmp_path / name))
    for word in words:
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=80), suffix=st.sampled_from([".csv", ".jsonl"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("any") / f"m{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(LsamattingError):
        read_manifest(str(path))
