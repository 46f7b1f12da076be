from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from lsamatting.server.settings import Limits

TOKEN = "a-token-of-some-length"


def kind(response):
    return response.json()["type"].rsplit(":", 1)[1]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil"])
def test_another_name_is_refused(http, host):
    response = http.get("/health", headers={"Host": host})
    assert response.status_code == 421
    assert kind(response) == "host"


@pytest.mark.parametrize("host", ["localhost:1234", "LOCALHOST", "127.0.0.1", "[::1]:80"])
def test_our_own_names_are_known(http, host):
    assert http.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://", "http://[::1"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_sites_script_is_refused(http, origin, method):
    response = http.request(method, "/v1/sessions", headers={"Origin": origin})
    assert response.status_code == 403
    assert kind(response) == "origin"
    assert "access-control-allow-origin" not in response.headers


def test_our_own_script_is_not(http, server):
    assert http.get("/v1/given", headers={"Origin": server.address}).status_code == 200


def test_nothing_of_the_api_is_embedded_elsewhere(http):
    response = http.get("/v1/given", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403


def test_a_browser_is_told_what_not_to_do(http):
    for address in ("/health", "/v1/nothing", "/v1/given"):
        headers = http.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
    assert http.get("/v1/given").headers["cache-control"] == "no-store"


@pytest.fixture(scope="module")
def guarded(settings, start_server):
    limits = Limits(body=100_000)
    origins = ("https://pictures.example",)
    with start_server(replace(settings, token=TOKEN, limits=limits, origins=origins)) as server:
        yield server


def test_without_the_token_nothing_is_done(guarded):
    with guarded.client() as http:
        assert http.get("/health").status_code == 200
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "lsamatting-token=no"}):
            response = http.get("/v1/given", headers=header)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
        assert http.get("/metrics").status_code == 401
        assert http.post("/v1/login", json={"token": "wrong"}).status_code == 401


def test_with_it_all_is(guarded):
    with guarded.client(Authorization=f"Bearer {TOKEN}") as http:
        assert http.get("/v1/given").status_code == 200


def test_signing_in_gives_a_cookie_that_scripts_do_not_see(guarded):
    with guarded.client() as http:
        response = http.post("/v1/login", json={"token": TOKEN})
        assert response.status_code == 204
        cookie = response.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert http.get("/v1/given").status_code == 200
    # A browser sends those of other servers of the same host, too.
    others = f'settings={{"a": 1}}; x=y z; lsamatting-token={TOKEN}; bare'
    with guarded.client(Cookie=others) as http:
        assert http.get("/v1/given").status_code == 200


def test_a_body_that_is_too_large(guarded):
    with guarded.client(Authorization=f"Bearer {TOKEN}") as http:
        said = http.post("/v1/sessions", files={"image": bytes(200_000)})
        assert said.status_code == 413

        def unsaid():
            for _ in range(20):
                yield bytes(10_000)

        header = {"Content-Type": "multipart/form-data; boundary=x"}
        try:
            streamed = http.post("/v1/sessions", content=unsaid(), headers=header)
        except httpx.TransportError:
            return  # hung up on before all was sent
        assert streamed.status_code in (413, 422, 400)


def test_a_named_origin_may_use_the_api(guarded):
    header = {"Origin": "https://pictures.example", "Authorization": f"Bearer {TOKEN}"}
    with guarded.client() as http:
        response = http.get("/v1/given", headers=header)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == "https://pictures.example"
        asked = http.options(
            "/v1/matte",
            headers={**header, "Access-Control-Request-Method": "POST"},
        )
        assert asked.status_code == 200
