"""How files are at the moment: their stamps, asked for in as few questions as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lsamatting.batch.addresses import (
    Stamp,
    file_system,
    is_url,
    parent,
    stamp,
    stamp_of,
    suffix_of,
)
from lsamatting.errors import ImageError

SIDE_BY_SIDE = 16
"""Questions that a server is asked at a time."""

_COMPRESSED = (".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".avifs", ".jp2", ".j2k")
_PIXELS_PER_BYTE = {True: 3.0, False: 0.5}
"""About how many pixels a byte is worth in a file, compressed with loss or without."""


class Census:
    """Stamps of files by their addresses.

    Parameters
    ----------
    addresses
        Those that will be asked for. URLs are asked for at once, a folder at a time if several lie
        in it and its server lists folders.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._remote: dict[str, Stamp | None] = {}
        urls = {address for address in addresses if is_url(address)}
        if not urls:
            return
        folders = Counter(map(parent, urls))
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            listed = [folder for folder, files in folders.items() if files > 1 and _lists(folder)]
            for stamps in pool.map(_list, listed):
                self._remote.update(stamps)
            # What is in no listing may be in none yet, or listed by another name.
            missing = [url for url in urls if url not in self._remote]
            self._remote.update(zip(missing, pool.map(_ask, missing), strict=True))

    def stamp(self, address: str) -> Stamp | None:
        """Give a file's stamp; None if it is not there."""
        return self._remote[address] if is_url(address) else stamp(address)

    def unchanged(self, address: str, recorded: Mapping[str, Any]) -> bool:
        """Tell whether a file is surely as it was recorded: without reading it, by its stamp."""
        now = self.stamp(address)
        return (
            now is not None
            and now.modified is not None
            and all(recorded.get(name) == value for name, value in asdict(now).items())
        )

    def pixels(self, address: str) -> int:
        """Estimate a picture's size: by its header on a disk, by its bytes at a URL."""
        if not is_url(address) and (size := _header(address)):
            return size
        now = self.stamp(address)
        if now is None:
            return 0
        return int(now.bytes * _PIXELS_PER_BYTE[suffix_of(address).lower() in _COMPRESSED])


def _lists(folder: str) -> bool:
    return not folder.startswith(("http://", "https://"))


def _list(folder: str) -> dict[str, Stamp | None]:
    system, path = file_system(folder)
    try:
        system.invalidate_cache()
        entries = system.ls(path, detail=True)
    except Exception:  # asked one by one, each file has an error of its own
        return {}
    return {system.unstrip_protocol(entry["name"]): stamp_of(entry) for entry in entries}


def _ask(url: str) -> Stamp | None:
    try:
        return stamp(url)
    except ImageError:
        return None  # whoever reads it says what is wrong


def _header(path: str) -> int:
    import warnings

    from PIL import Image, UnidentifiedImageError

    from lsamatting.formats.raster import DAMAGE

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(Path(path)) as image:
                return image.width * image.height
    except (*DAMAGE, UnidentifiedImageError):
        return 0
