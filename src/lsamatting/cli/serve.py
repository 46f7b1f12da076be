"""`lsamatting serve`: the editor's page and the HTTP API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from lsamatting.budget import parse_memory
from lsamatting.cli.console import say
from lsamatting.cli.options import DeviceOption, MaxPixelsOption, RuntimeOption
from lsamatting.errors import ConfigError
from lsamatting.extras import require
from lsamatting.weights import DEFAULT_WEIGHTS


def serve(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PICTURE]...", help="Pictures to open.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's ask for a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port; 0 takes one that is free.")
    ] = 8765,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token that callers have to show.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name by which callers reach the server."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A site whose scripts may use the API."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Bundled name, folder, or repository; may be given several times."),
    ] = None,
    runtime: RuntimeOption = "auto",
    device: DeviceOption = "auto",
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Most worker processes [one a core].")
    ] = None,
    memory: Annotated[
        int, typer.Option(min=256, help="MiB of pictures and features kept between requests.")
    ] = 4096,
    job_memory: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Memory that each worker may take, as 4GiB; larger pictures are computed in tiles "
            "[half of what is free, shared among them].",
        ),
    ] = None,
    max_pixels: MaxPixelsOption = None,
) -> None:
    """Open the editor in the browser, and answer the HTTP API (extra: serve)."""
    require("serve", "the server")
    for path in paths or ():
        if not path.is_file():
            raise ConfigError(f"{path}: no such file")

    from lsamatting.server.serving import address_of, listen, named_hosts, read_token
    from lsamatting.server.serving import serve as run
    from lsamatting.server.settings import MEBIBYTE, Limits, ServerSettings

    limits = Limits(
        memory=memory * MEBIBYTE,
        job_memory=None if job_memory is None else parse_memory(job_memory),
    )
    if max_pixels is not None:
        limits = replace(limits, pixels=max_pixels)
    settings = ServerSettings(
        weights=tuple(weights or (DEFAULT_WEIGHTS,)),
        runtime=runtime,
        device=device,
        origins=tuple(allow_origin or ()),
        token=read_token(token_file, host),
        limits=limits,
    )
    if workers is not None:
        settings = replace(settings, workers=workers)
    settings = named_hosts(settings, host, tuple(name.lower() for name in allow_host or ()))
    bound = listen(host, port)
    address = address_of(host, bound.getsockname()[1])
    # A fragment stays in the browser: it is in no log.
    whole = address if settings.token is None else f"{address}#token={settings.token}"

    def ready() -> None:
        say(whole if token_file is None else address)
        if not no_open:
            import webbrowser

            webbrowser.open(whole)

    run(settings, bound, given=tuple(paths or ()), on_ready=ready)
