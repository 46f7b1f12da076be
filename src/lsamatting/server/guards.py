"""What stands before the API: who may call it, by which name, from which page, with how much."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lsamatting.server.problems import problem_response

COOKIE = "lsamatting-token"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
        " connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_PUBLIC = ("/", "/health", "/v1/login", "/openapi.json")
"""Open to callers without a token: the page itself holds no secret."""


class SafeHeaders:
    """Says with every answer what a browser must not do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/v1"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


class KnownHost:
    """Refuses calls by other names: a name that was made to point here is not ours."""

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] == "http" and "*" not in self._hosts:
            host = Headers(scope=scope).get("host", "")
            if _name_of(host) not in self._hosts:
                shown = host[:100].encode("ascii", "replace").decode()
                response = problem_response("host", f"unknown host name '{shown}'")
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


class KnownOrigin:
    """Refuses calls that other sites' scripts make with a visitor's browser."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] == "http" and not self._may(Headers(scope=scope), scope["path"]):
            response = problem_response("origin", "this page's scripts may not use this server")
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may(self, headers: Headers, path: str) -> bool:
        origin = headers.get("origin")
        if origin is not None:
            return origin in self._origins or _netloc(origin) == headers.get("host")
        # A link from elsewhere may lead to the page, but nothing of the API is to be embedded.
        from_elsewhere = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        return not (from_elsewhere and path.startswith("/v1"))


class TokenAsked:
    """Asks for the token in `Authorization: Bearer …` or in the cookie that the page keeps."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        public = scope.get("path") in _PUBLIC or str(scope.get("path")).startswith("/static/")
        if scope["type"] == "http" and not public:
            shown = shown_token(Headers(scope=scope))
            if not hmac.compare_digest(shown.encode(), self._token):
                response = problem_response(
                    "token",
                    "show the server's token: Authorization: Bearer TOKEN",
                    headers={"WWW-Authenticate": "Bearer"},
                )
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies beyond a size, whether or not they say how large they are."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = problem_response(
            "too-large", f"a request may have {self._most} bytes", headers={"Connection": "close"}
        )
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdecimal() or int(said) > self._most:
            await refusal(scope, receive, send)
            return
        received = 0

        async def count() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise HTTPException(413, f"a request may have {self._most} bytes")
            return message

        await self._app(scope, count, send)


def shown_token(headers: Headers) -> str:
    """Give the token that a request shows, or nothing."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    # Other servers of this host, whatever their ports, may have left cookies of any form.
    return cookie_parser(headers.get("cookie", "")).get(COOKIE, "")


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    """Drop the port of a Host header."""
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
