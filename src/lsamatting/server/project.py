"""Projects: a picture with its trimap, strokes and settings in one file, `.lsm`, which is a zip."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from lsamatting.digests import file_digest
from lsamatting.errors import ImageError
from lsamatting.server.schemas import FinishBody, OptionsBody, ProjectBody, StrokeBody
from lsamatting.server.sessions import SessionRecord
from lsamatting.server.tasks import Upload

KIND, VERSION = "lsamatting-project", 1

_MANIFEST, _PICTURE, _TRIMAP = "manifest.json", "picture", "trimap.png"
_MOST_MANIFEST = 64 * 2**20
_CHUNK = 2**20


class Manifest(BaseModel):
    """What a project says of itself."""

    kind: str
    version: int
    name: str = Field(max_length=200)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    options: OptionsBody
    strokes: list[StrokeBody]
    finish: FinishBody
    page: dict[str, Any] | None = None


@dataclass(frozen=True)
class Project:
    """A project taken out of its file; the picture is in the folder it was taken to."""

    name: str
    trimap: str | None
    options: OptionsBody
    strokes: list[StrokeBody]
    finish: FinishBody
    page: dict[str, Any] | None


def pack_project(record: SessionRecord, trimap: str | None, body: ProjectBody, target: str) -> None:
    """Write a session into a project; `trimap` is a PNG of it."""
    manifest = Manifest(
        kind=KIND,
        version=VERSION,
        name=record.picture.name,
        sha256=file_digest(record.picture.path),
        options=OptionsBody(
            weights=record.options.weights,
            refine=record.options.refine,
            tta=record.options.tta,
            foreground=record.options.foreground,
        ),
        strokes=[StrokeBody.of(stroke) for stroke in record.strokes],
        finish=body.finish,
        page=body.page,
    )
    # What is in it is compressed already, but for the manifest.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(manifest.model_dump())
        archive.writestr(_MANIFEST, text, compress_type=zipfile.ZIP_DEFLATED)
        archive.write(record.picture.path, _PICTURE)
        if trimap is not None:
            archive.write(trimap, _TRIMAP)


def unpack_project(upload: Upload, folder: Path, *, most: int) -> Project:
    """Take a project out of its file, into a folder.

    Parameters
    ----------
    upload:
        The file.
    folder:
        Where the picture goes, as `picture`, and the trimap.
    most:
        Bytes that it may hold once unpacked.

    Raises
    ------
    ImageError
        It is no project, damaged, too large, or holds what no project holds.
    """
    name = upload.name
    try:
        with zipfile.ZipFile(upload.path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            odd = sorted(set(entries) - {_MANIFEST, _PICTURE, _TRIMAP})
            if odd or len(entries) != len(archive.infolist()):
                raise ImageError(f"{name}: not a project: it holds '{(odd or ['twins'])[0][:60]}'")
            if _MANIFEST not in entries or _PICTURE not in entries:
                raise ImageError(f"{name}: not a project: manifest or picture is missing")
            if sum(entry.file_size for entry in entries.values()) > most:
                raise ImageError(f"{name}: holds more than {most} bytes")
            text = _read(archive, _MANIFEST, _MOST_MANIFEST, name)
            manifest = Manifest.model_validate_json(text)
            if manifest.kind != KIND or manifest.version != VERSION:
                raise ImageError(
                    f"{name}: project of kind '{manifest.kind[:40]}', version {manifest.version};"
                    f" accepted is {KIND}, version {VERSION}"
                )
            _extract(archive, _PICTURE, folder / "picture", most, name)
            trimap = None
            if _TRIMAP in entries:
                trimap = folder / "project-trimap.png"
                _extract(archive, _TRIMAP, trimap, most, name)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ImageError(f"{name}: its manifest is wrong at {where}: {first['msg']}") from None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        raise ImageError(f"{name}: not a project, or damaged") from None
    if file_digest(folder / "picture") != manifest.sha256:
        raise ImageError(f"{name}: damaged: its picture is not the one that was saved")
    return Project(
        name=manifest.name,
        trimap=None if trimap is None else str(trimap),
        options=manifest.options,
        strokes=manifest.strokes,
        finish=manifest.finish,
        page=manifest.page,
    )


def _read(archive: zipfile.ZipFile, entry: str, most: int, name: str) -> bytes:
    with archive.open(entry) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ImageError(f"{name}: {entry} holds more than {most} bytes")
    return data


def _extract(archive: zipfile.ZipFile, entry: str, target: Path, most: int, name: str) -> None:
    """Write an entry into a file of our own naming, and no more of it than may be."""
    written = 0
    with archive.open(entry) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > most:
                raise ImageError(f"{name}: {entry} holds more than {most} bytes")
            file.write(chunk)
