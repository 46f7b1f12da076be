"""Running the application: the address, the token, and an orderly end."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import uvicorn

from lsamatting.errors import ConfigError
from lsamatting.server.app import create_app
from lsamatting.server.service import Service
from lsamatting.server.settings import ServerSettings

DRAIN_SECONDS = 30


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(path: Path | None, host: str) -> str | None:
    """Give the token to ask for: from a file, or a new one where others can reach the server.

    Raises
    ------
    ConfigError
        The file cannot be read, or its token is too short to keep anybody out.
    """
    if path is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the token cannot be read ({error})") from None
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"{path}: a token has at least 16 letters, digits or signs in one line")
    return token


def listen(host: str, port: int) -> socket.socket:
    """Bind an address, so that its port is known before anything else is done.

    Raises
    ------
    ConfigError
        It cannot be had.
    """
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((bare, port))
    except OSError as error:
        bound.close()
        raise ConfigError(f"{host}:{port}: cannot listen there ({error.strerror})") from None
    return bound


def address_of(host: str, port: int) -> str:
    """Give the address by which a browser on this machine reaches a server that listens there."""
    if is_loopback(host) or host in ("0.0.0.0", "::"):
        host = "localhost"
    elif ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{port}/"


def serve(
    settings: ServerSettings,
    bound: socket.socket,
    *,
    given: tuple[Path, ...] = (),
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until told to stop; then what is being computed is finished first.

    Raises
    ------
    LsamattingError
        The weights cannot be loaded.
    """
    app = create_app(settings, given=given)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        timeout_keep_alive=30,
        lifespan="on",
    )
    server = _Server(config, app.state.service, on_ready)
    # Ctrl-C is how an editor is ended; uvicorn has done all that was to be done.
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[bound])
    if server.problem is not None:
        raise server.problem


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and lets streams end when it is told to stop."""

    def __init__(
        self, config: uvicorn.Config, service: Service, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self.problem: BaseException | None = None
        self._service = service
        self._on_ready = on_ready
        self._told = False

    async def on_tick(self, counter: int) -> bool:
        started = self._service.pool.started
        if started is not None and started.done() and not self._told:
            self._told = True
            self.problem = started.exception()
            if self.problem is not None:
                self.should_exit = True
            else:
                self._on_ready()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.sessions.end_streams()
        await super().shutdown(sockets)


def named_hosts(settings: ServerSettings, host: str, extra: tuple[str, ...]) -> ServerSettings:
    """Add the names by which a server at an address is called."""
    names = (*settings.hosts, *extra)
    if host not in ("0.0.0.0", "::"):
        names = (*names, f"[{host}]" if ":" in host and not host.startswith("[") else host)
    elif not extra:
        names = (*names, socket.gethostname().lower(), *_own_addresses())
    return replace(settings, hosts=names)


def _own_addresses() -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return ()
    addresses = {str(entry[4][0]) for entry in found}
    return tuple(f"[{one}]" if ":" in one else one for one in sorted(addresses))
