"""Health, metrics, and signing in."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response

from lsamatting import __version__
from lsamatting.server.guards import COOKIE
from lsamatting.server.problems import ProblemError, problem_responses
from lsamatting.server.schemas import GivenBody, HealthBody, LoginBody
from lsamatting.server.service import ServiceDep

router = APIRouter(tags=["operations"])


@router.get("/health", responses={503: {"model": HealthBody, "description": "Loading"}})
async def health(service: ServiceDep, response: Response) -> HealthBody:
    """Tell whether the weights are loaded: 200 if so, 503 if not yet."""
    ready = service.pool.ready
    response.status_code = 200 if ready else 503
    return HealthBody(
        status="ready" if ready else "loading",
        version=__version__,
        weights=list(service.settings.weights),
        device=service.settings.device,
    )


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: ServiceDep) -> Response:
    """Give counters in the text format of Prometheus."""
    text = service.metrics.text(service.pool.state(), len(service.sessions))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.post("/v1/login", status_code=204, responses=problem_responses("token", "request"))
async def login(service: ServiceDep, request: Request, body: LoginBody) -> Response:
    """Exchange the token for a cookie that scripts cannot read."""
    token = service.settings.token
    if token is None or not hmac.compare_digest(body.token.encode(), token.encode()):
        raise ProblemError("token", "this is not the server's token")
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return response


@router.get("/v1/given")
async def given(service: ServiceDep) -> list[GivenBody]:
    """List the pictures that were named when the server was started."""
    return [GivenBody(number=number, name=path.name) for number, path in enumerate(service.given)]
