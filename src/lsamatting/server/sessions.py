"""What the server keeps of each open picture: the files it was sent, and what was asked of them."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsamatting.server.brush import BrushStroke
from lsamatting.server.problems import ProblemError
from lsamatting.server.settings import Limits
from lsamatting.server.tasks import MatteFacts, MatteOptions, PictureFacts, Recipe, Upload

_EVENTS = 64
"""Events that a slow listener may lag behind; then the oldest are dropped."""


@dataclass(eq=False)
class SessionRecord:
    """One open picture."""

    id: str
    client: str
    folder: Path
    picture: Upload
    options: MatteOptions
    facts: PictureFacts | None = None
    trimap: str | None = None
    strokes: tuple[BrushStroke, ...] = ()
    backdrop: Upload | None = None
    matte: MatteFacts | None = None
    revision: int = 0
    """Grows with every matte."""

    computing: asyncio.Task[Any] | None = None
    listeners: set[asyncio.Queue[dict[str, Any] | None]] = field(default_factory=set)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def recipe(self) -> Recipe:
        """Everything that its matte depends on."""
        return Recipe(self.id, self.picture, self.trimap, self.options, self.strokes)

    @property
    def bytes(self) -> int:
        """Bytes of its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())

    def new_file(self, suffix: str) -> str:
        """Name a file of its own that is not there yet."""
        return str(self.folder / f"{next(self._numbers)}{suffix}")

    def tell(self, event: dict[str, Any] | None) -> None:
        """Send an event to all who listen; None ends their streams."""
        for listener in self.listeners:
            if listener.full():
                listener.get_nowait()
            listener.put_nowait(event)

    def listen(self) -> asyncio.Queue[dict[str, Any] | None]:
        """Begin to listen."""
        listener: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_EVENTS)
        self.listeners.add(listener)
        return listener


class SessionStore:
    """The open pictures, the least recently used first."""

    def __init__(self, folder: Path, limits: Limits, *, on_close: Callable[[str], None]) -> None:
        self._folder = folder
        self._limits = limits
        self._on_close = on_close
        self._records: OrderedDict[str, SessionRecord] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    def create(self, *, client: str, name: str, options: MatteOptions) -> SessionRecord:
        """Open a session without a picture file yet, closing old ones if there are too many."""
        mine = [record for record in self._records.values() if record.client == client]
        if len(mine) >= self._limits.sessions_per_client:
            self.close(mine[0].id)
        if len(self._records) >= self._limits.sessions:
            self.close(next(iter(self._records)))
        identity = secrets.token_urlsafe(12)
        folder = self._folder / identity
        folder.mkdir(mode=0o700)
        record = SessionRecord(
            id=identity,
            client=client,
            folder=folder,
            picture=Upload(str(folder / "picture"), name),
            options=options,
        )
        self._records[identity] = record
        return record

    def make_room(self) -> None:
        """Close old sessions until all files together are within the limit."""
        held = {name: record.bytes for name, record in self._records.items()}
        excess = sum(held.values()) - self._limits.disk
        for name, size in list(held.items())[:-1]:
            if excess <= 0:
                return
            self.close(name)
            excess -= size

    def get(self, identity: str) -> SessionRecord:
        """Give a session, which now is the most recently used.

        Raises
        ------
        ProblemError
            It was never there, or was closed.
        """
        record = self._records.get(identity)
        if record is None:
            raise ProblemError(
                "no-session", "the session is closed or was never open: open the picture again"
            )
        self._records.move_to_end(identity)
        return record

    def close(self, identity: str) -> None:
        """Forget a session and its files; whoever listens to it is told."""
        record = self._records.pop(identity, None)
        if record is None:
            return
        if record.computing is not None:
            record.computing.cancel()
        record.tell({"event": "closed"})
        record.tell(None)
        shutil.rmtree(record.folder, ignore_errors=True)
        self._on_close(identity)

    def close_all(self) -> None:
        """Forget all."""
        for identity in list(self._records):
            self.close(identity)

    def end_streams(self) -> None:
        """Let all who listen know that nothing more will come."""
        for record in self._records.values():
            record.tell(None)
