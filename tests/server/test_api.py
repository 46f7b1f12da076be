"""What holds for every answer of the API."""

from __future__ import annotations

import json

from lsamatting.server import schemas
from tests.server.api_calls import files, opened, problem


def value_of(http, name):
    lines = http.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def test_health_and_metrics(http, scene):
    health = http.get("/health").json()
    assert health["status"] == "ready"
    assert health["weights"] == ["lite"]
    before = value_of(http, "lsamatting_pixels_total")
    http.post("/v1/matte", files=files(scene, "image", "trimap"))
    http.post(f"{opened(http, scene)['links']['self']}/matte")
    assert value_of(http, "lsamatting_pixels_total") - before == 2 * 56 * 40
    for method in ("BREW", "PROPFIND"):
        assert http.request(method, "/health").status_code == 405
    text = http.get("/metrics").text
    assert "BREW" not in text
    assert 'lsamatting_request_seconds_count{method="other",' in text
    for line in (
        'lsamatting_job_seconds_count{outcome="done",task="Once"}',
        "lsamatting_jobs_waiting 0.0",
        "lsamatting_worker_resident_bytes",
    ):
        assert line in text


def test_the_document_describes_every_route(http):
    document = http.get("/openapi.json").json()
    assert document["info"]["title"] == "lsamatting"
    for path in ("/v1/matte", "/v1/sessions/{identity}/strokes", "/health"):
        assert path in document["paths"]
    assert "Problem" in document["components"]["schemas"]
    # Examples are what they are examples of.
    for body in (
        schemas.StrokeBody,
        schemas.OptionsBody,
        schemas.FinishBody,
        schemas.TrimapBody,
        schemas.SessionBody,
        schemas.HealthBody,
    ):
        (example,) = document["components"]["schemas"][body.__name__]["examples"]
        assert body.model_validate(example)
    # Every reference leads somewhere.
    names = set(document["components"]["schemas"])
    text = json.dumps(document)
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in names


def test_there_is_nothing_elsewhere(http):
    problem(http.get("/v1/nothing"), 404, "nothing at this address")
    assert http.put("/v1/matte").status_code == 405
