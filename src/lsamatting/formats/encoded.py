"""A picture file, wherever its bytes lie: on disk or in memory."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lsamatting.errors import ImageError


@dataclass(frozen=True)
class Encoded:
    """The bytes of a picture file, with the name that messages call it by.

    Exactly one of `path` and `data` is given.
    """

    name: str
    path: Path | None = None
    data: bytes | None = None

    @property
    def suffix(self) -> str:
        """How the file's name ends, in small letters; empty in memory."""
        return "" if self.path is None else self.path.suffix.lower()

    def start(self, count: int) -> bytes:
        """Give the first bytes.

        Raises
        ------
        ImageError
            There is no such file, it is a folder, empty, or cannot be opened.
        """
        try:
            with self.open() as file:
                start = file.read(count)
        except FileNotFoundError:
            broken = self.path is not None and self.path.is_symlink()
            what = "is a link to a file that does not exist" if broken else "no such file"
            raise ImageError(f"{self.name}: {what}") from None
        except IsADirectoryError:
            raise ImageError(f"{self.name}: is a folder; a picture file is needed") from None
        except OSError as problem:
            raise ImageError(f"{self.name}: cannot be opened ({problem.strerror})") from None
        if not start:
            raise ImageError(f"{self.name}: the file is empty")
        return start

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return io.BytesIO(self.data or b"") if self.path is None else self.path.open("rb")

    def read(self) -> bytes:
        """Give all of it."""
        return self.data or b"" if self.path is None else self.path.read_bytes()

    @contextlib.contextmanager
    def on_disk(self) -> Iterator[Path]:
        """Give a file on disk, for a decoder that reads nothing else."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture"
            path.write_bytes(self.read())
            yield path
