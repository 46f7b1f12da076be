from __future__ import annotations

import pytest

from lsamatting.batch.claims import ATTEMPTS, Claims
from lsamatting.batch.job import Done, Failed, Job

A, B = (Job(f"/i/{name}.jpg", "/t.png", {"alpha": f"/o/{name}.png"}) for name in "ab")


@pytest.fixture(params=["disk", "url"])
def folder(request, tmp_path, store) -> str:
    return str(tmp_path) if request.param == "disk" else f"memory://{store.root}"


def test_what_has_ended_is_not_begun_again_by_anyone(folder):
    claims = Claims(folder, "m")
    assert claims.read(A) is None
    begun = claims.begin(A)
    assert not begun.ended
    claims.end(Done(A, {"size": [1, 2]}), begun)
    other = Claims(folder, "m")
    assert other.begin(A).outcome(A) == Done(A, {"size": [1, 2]})
    assert other.read(A).attempts == 1
    other.end(Failed(B, "no", expected=False), other.begin(B))
    assert list(claims.ended([B, A])) == [
        Failed(B, "no", expected=False),
        Done(A, {"size": [1, 2]}),
    ]


def test_what_takes_down_its_workers_is_given_up(folder):
    claims = Claims(folder, "m")
    for _ in range(ATTEMPTS):
        assert not claims.begin(A).ended
    given_up = claims.begin(A).outcome(A)
    assert isinstance(given_up, Failed)
    assert given_up.reason.startswith("/i/a.jpg: its worker ended, 2 times, last ")
    assert list(claims.ended([A, B])) == [given_up]


def test_claims_of_another_recipe_are_not_seen(folder):
    claims = Claims(folder, "m")
    claims.end(Done(A, {}), claims.begin(A))
    other = Claims(folder, "other")
    assert other.read(A) is None
    assert not other.begin(A).ended


def test_a_stop_reaches_all_until_all_is_cleared(folder):
    claims = Claims(folder, "m")
    claims.begin(A)
    assert not claims.stop_asked()
    claims.ask_to_stop()
    assert Claims(folder, "m").stop_asked()
    assert list(claims.ended([A])) == []
    claims.clear()
    assert not claims.stop_asked()
    assert claims.read(A) is None
    claims.clear()
