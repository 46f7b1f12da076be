"""What a server allows, and where it listens."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from lsamatting.choices import RuntimeName
from lsamatting.weights import DEFAULT_WEIGHTS

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What one server takes on."""

    body: int = 512 * MEBIBYTE
    """Largest request body, in bytes."""

    pixels: int = 100_000_000
    """Largest picture; larger ones are refused before they are decoded."""

    sessions: int = 64
    """Sessions of all clients together; beyond that the least recently used one goes."""

    sessions_per_client: int = 16
    """Likewise of one client."""

    strokes: int = 1000
    """Strokes of one session."""

    memory: int = 4096 * MEBIBYTE
    """Bytes of pictures and features that all workers keep; beyond that, those of the least
    recently used session are computed again when they are asked for."""

    job_memory: int | None = None
    """Bytes that a worker process may take in all while it computes; larger pictures are computed
    in tiles. None for half of what is free, shared among the workers."""

    disk: int = 16384 * MEBIBYTE
    """Bytes of uploads that are kept on disk."""

    queue: int = 32
    """Jobs that wait; further ones are told to come again."""

    seconds: float = 300.0
    """Time that one job may take."""


@dataclass(frozen=True)
class ServerSettings:
    """Everything that `create_app` needs."""

    weights: tuple[str, ...] = (DEFAULT_WEIGHTS,)
    """Weights that clients may choose from, the first by default."""

    runtime: RuntimeName = "auto"
    device: str = "auto"

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Most worker processes. One starts at once, others when there is work for them."""

    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """Names by which clients may call the server."""

    origins: tuple[str, ...] = ()
    """Further origins whose scripts may use the API (CORS)."""

    token: str | None = None
    """What clients have to show; None asks for nothing."""

    limits: Limits = field(default_factory=Limits)
