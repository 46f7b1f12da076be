"""Requests of every kind that the OpenAPI document allows, and some that it does not."""

from __future__ import annotations

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis (extra: dev)")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

FEW = settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def api(server):
    return schemathesis.openapi.from_url(f"{server.address}/openapi.json")


def test_no_request_ends_in_a_fault(api, server):
    """Whatever is sent, the server answers with a status and a kind that it announced."""
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    seen = 0
    for result in api.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue  # it would never end

        @FEW
        @given(case=operation.as_strategy())
        def send(case):
            case.call_and_validate(base_url=server.address, checks=checks, timeout=60)

        send()
        seen += 1
    assert seen > 15
