"""The web application, put together."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lsamatting import __version__
from lsamatting.demo import CAT_TRIMAP
from lsamatting.server import problems
from lsamatting.server.guards import BodyLimit, KnownHost, KnownOrigin, SafeHeaders, TokenAsked
from lsamatting.server.metrics import Metrics
from lsamatting.server.routes import (
    correcting,
    marking,
    once,
    operations,
    results,
    sessions,
)
from lsamatting.server.service import Service
from lsamatting.server.settings import ServerSettings

STATIC = Path(str(files("lsamatting.server") / "static"))


def create_app(settings: ServerSettings, *, given: tuple[Path, ...] = ()) -> FastAPI:
    """Make the application: the API, and the page if this version has one.

    Parameters
    ----------
    settings:
        Weights, limits, and who may call.
    given:
        Pictures that clients may open by number.
    """
    service = Service(settings, given)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            service.pool.start().add_done_callback(lambda started: started.exception())
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="lsamatting",
        version=__version__,
        description="A matte from a photograph: the exact opacity of hair, fur and glass.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.service = service
    problems.install(app)
    # Results last: their address, a layer's name, would take strokes and events for layers.
    for part in (operations, once, sessions, marking, correcting, results):
        app.include_router(part.router)

    if (STATIC / "index.html").exists():

        @app.get("/", include_in_schema=False)
        async def page() -> Response:
            return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

        @app.get("/static/sample/cat-trimap.png", include_in_schema=False)
        async def sample_trimap() -> Response:
            return FileResponse(CAT_TRIMAP)

        app.mount("/static", StaticFiles(directory=STATIC), name="static")

    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    # The last one added is the first to see a request.
    app.add_middleware(_Observed, metrics=service.metrics)
    app.add_middleware(BodyLimit, most=settings.limits.body)
    if settings.token is not None:
        app.add_middleware(TokenAsked, token=settings.token)
    app.add_middleware(KnownOrigin, origins=settings.origins)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Content-Encoding"],
        )
    app.add_middleware(KnownHost, hosts=settings.hosts)
    app.add_middleware(SafeHeaders)
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        components = schema.setdefault("components", {}).setdefault("schemas", {})
        components["Problem"] = problems.Problem.model_json_schema()
        app.openapi_schema = schema
    return app.openapi_schema


class _Observed:
    """Measures how long answers take, by route."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), "0"

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                streaming = Headers(raw=message["headers"]).get("content-type", "")
                if streaming.startswith("text/event-stream"):
                    status = "stream"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.observe(
                scope["method"], route, status, seconds=time.perf_counter() - started
            )
