from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

pytest.importorskip("fastapi", reason="the server needs the extra serve")

from lsamatting.matting import Matting
from lsamatting.server.app import create_app
from lsamatting.server.service import Service
from lsamatting.server.serving import listen
from lsamatting.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.server.editor import Editor


@dataclass
class Running:
    """A server in a thread of this process, with workers of its own."""

    address: str
    service: Service
    server: uvicorn.Server

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=120, headers=headers)


@contextlib.contextmanager
def running(
    settings: ServerSettings, *, given: tuple[Path, ...] = (), port: int = 0
) -> Iterator[Running]:
    bound = listen("127.0.0.1", port)
    app = create_app(settings, given=given)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        wait_until(lambda: is_ready(address), seconds=600)
        yield Running(address, app.state.service, server)
    finally:
        app.state.service.sessions.end_streams()
        server.should_exit = True
        thread.join(30)


def is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False


def wait_until(what: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def model() -> Matting:
    return Matting.from_pretrained(device="cpu")


@pytest.fixture(scope="session")
def settings() -> ServerSettings:
    return ServerSettings(device="cpu", workers=1)


@pytest.fixture(scope="session")
def server(settings: ServerSettings) -> Iterator[Running]:
    """One server for all tests that leave it as it was."""
    limits = replace(settings.limits, sessions_per_client=200, sessions=200)
    with running(replace(settings, limits=limits)) as one:
        yield one


@pytest.fixture
def http(server: Running) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def start_server() -> Callable[..., contextlib.AbstractContextManager[Running]]:
    """Give what starts a server with settings of one's own."""
    return running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    from tests.server.editor import launched

    with launched() as chromium:
        yield chromium


@pytest.fixture
def editor(browser: Browser, server: Running) -> Iterator[Editor]:
    """The page, just opened."""
    from tests.server.editor import edited

    with edited(browser, server.address) as one:
        yield one


@pytest.fixture
def artefacts(tmp_path: Path) -> Path:
    """Where screenshots are kept: the folder that ARTEFACTS names, if it does."""
    folder = Path(os.environ.get("ARTEFACTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A furry disc, red before green."""
    from tests.server.editor import draw_photo

    draw_photo(tmp_path / "disc.png")
    return tmp_path / "disc.png"


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds."""
    return wait_until
