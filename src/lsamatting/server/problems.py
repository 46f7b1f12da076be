"""Errors as problem details (RFC 9457), with the one line that the command line prints."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from lsamatting.errors import LsamattingError
from lsamatting.server.pool import BusyError, FailedError, RefusedError, TimeLimitError

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:lsamatting:problem:"

_TITLES = {
    "image": (422, "The picture cannot be used"),
    "trimap": (422, "The trimap, mask or strokes do not fit"),
    "weights": (422, "There are no such weights"),
    "option": (422, "An option is out of range"),
    "request": (422, "The request is not as the API describes it"),
    "too-large": (413, "The request is too large"),
    "unacceptable": (406, "The result has no such form"),
    "no-session": (404, "There is no such session"),
    "not-found": (404, "There is nothing here"),
    "cancelled": (409, "The computation was cancelled"),
    "busy": (429, "Too much is waiting"),
    "time-limit": (504, "The computation took too long"),
    "failed": (500, "The computation failed"),
    "not-ready": (503, "The server is not ready"),
    "token": (401, "A token is needed"),
    "host": (421, "The server does not go by this name"),
    "origin": (403, "Another site's script may not use this server"),
}

_KINDS = {
    "ImageError": "image",
    "TrimapError": "trimap",
    "WeightsError": "weights",
    "ConfigError": "option",
    "MissingExtraError": "option",
}


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(examples=["urn:lsamatting:problem:image"])
    title: str = Field(examples=["The picture cannot be used"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["cat.jpg: the file is damaged or truncated"])


class ProblemError(Exception):
    """An answer that is a problem."""

    def __init__(self, slug: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.slug, self.detail, self.headers = slug, detail, headers


def problem_response(
    slug: str, detail: str, *, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Answer with a problem of one of the kinds above."""
    status, title = _TITLES[slug]
    content = Problem(type=_PREFIX + slug, title=title, status=status, detail=detail)
    return JSONResponse(
        content.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE
    )


def problem_responses(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """Describe problems for the OpenAPI document."""
    described: dict[int | str, dict[str, Any]] = {}
    for slug in slugs:
        status, title = _TITLES[slug]
        described[status] = {
            "description": title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return described


def install(app: FastAPI) -> None:
    """Turn every error of an app into a problem."""

    @app.exception_handler(ProblemError)
    async def of_problem(_: Request, error: ProblemError) -> JSONResponse:
        return problem_response(error.slug, error.detail, headers=error.headers)

    @app.exception_handler(LsamattingError)
    async def of_mistake(_: Request, error: LsamattingError) -> JSONResponse:
        return problem_response(_KINDS.get(type(error).__name__, "request"), str(error))

    @app.exception_handler(RefusedError)
    async def of_refusal(_: Request, error: RefusedError) -> JSONResponse:
        return problem_response(_KINDS.get(error.kind, "request"), str(error))

    @app.exception_handler(BusyError)
    async def of_full_queue(_: Request, error: BusyError) -> JSONResponse:
        return problem_response(
            "busy",
            f"too much is waiting; come again in {error.seconds} s",
            headers={"Retry-After": str(error.seconds)},
        )

    @app.exception_handler(TimeLimitError)
    async def of_time_limit(_: Request, __: TimeLimitError) -> JSONResponse:
        return problem_response("time-limit", "the time for one computation is over")

    @app.exception_handler(FailedError)
    async def of_failure(_: Request, error: FailedError) -> JSONResponse:
        return problem_response("failed", str(error))

    @app.exception_handler(RequestValidationError)
    async def of_form(_: Request, error: RequestValidationError) -> JSONResponse:
        lines = [
            ".".join(str(part) for part in one["loc"][1:]) + ": " + one["msg"]
            for one in error.errors()
        ]
        return problem_response("request", "; ".join(lines))

    @app.exception_handler(HTTPException)
    async def of_http(_: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 413:
            return problem_response("too-large", str(error.detail))
        if error.status_code == 404:
            return problem_response("not-found", "there is nothing at this address")
        content = Problem(
            type="about:blank",
            title=str(error.detail),
            status=error.status_code,
            detail=str(error.detail),
        )
        return JSONResponse(
            content.model_dump(),
            status_code=error.status_code,
            headers=error.headers,
            media_type=MEDIA_TYPE,
        )

    @app.exception_handler(Exception)
    async def of_bug(_: Request, error: Exception) -> JSONResponse:
        return problem_response("failed", f"unexpected {type(error).__name__}")
