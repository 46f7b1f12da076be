"""Many requests at once, workers that are killed, full queues, sessions that had to go."""

from __future__ import annotations

import io
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import pytest
from PIL import Image

from lsamatting.server.settings import Limits


def files(scene, *names):
    return {name: (f"{name}.png", getattr(scene, name).read_bytes()) for name in names}


def alpha_of(response):
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


@pytest.fixture(scope="module")
def own(settings, start_server):
    """A server that may be treated badly."""
    with start_server(replace(settings, limits=Limits(sessions_per_client=3, queue=2))) as server:
        yield server


def worker_of(server):
    return server.service.pool._workers[0].process


def test_a_worker_that_is_killed_costs_no_answer(own, scene):
    with own.client() as http:
        sent = files(scene, "image", "trimap")
        here = http.post("/v1/sessions", files=sent).json()["links"]["self"]
        http.post(f"{here}/matte")
        before = alpha_of(http.get(f"{here}/alpha"))
        os.kill(worker_of(own).pid, signal.SIGKILL)
        # What it had computed is computed again.
        assert np.abs(alpha_of(http.get(f"{here}/alpha")).astype(int) - before).max() <= 1
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(http.post, "/v1/matte", files=sent)
            while not own.service.pool.state().running:
                pass
            os.kill(worker_of(own).pid, signal.SIGKILL)
            assert alpha_of(running.result()).shape == scene.marks.shape
        assert b"lsamatting_worker_restarts 2.0" in http.get("/metrics").content


def test_sessions_beyond_the_limit_go_in_turn(own, scene):
    with own.client() as http:
        opened = [
            http.post("/v1/sessions", files=files(scene, "image")).json()["links"]["self"]
            for _ in range(4)
        ]
        assert http.get(opened[0]).status_code == 404
        assert [http.get(here).status_code for here in opened[1:]] == [200, 200, 200]
        assert len(list(own.service.folder.iterdir())) <= 4


def test_a_full_queue_asks_to_come_again(own, scene):
    sent = files(scene, "image", "trimap")

    def ask(_):
        with own.client() as http:
            return http.post("/v1/matte", files=sent, data={"tta": "true"})

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(8)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 3
    busy = next(answer for answer in answers if answer.status_code == 429)
    assert int(busy.headers["retry-after"]) >= 1
    assert busy.json()["type"].endswith("busy")


def test_what_nobody_waits_for_is_given_up(own, scene):
    sent = files(scene, "image", "trimap")
    with own.client() as http, pytest.raises(httpx.ReadTimeout):
        http.post("/v1/matte", files=sent, data={"tta": "true", "refine": "true"}, timeout=0.3)
    for _ in range(3000):
        if own.service.pool.idle:
            break
        threading.Event().wait(0.01)
    assert own.service.pool.idle
    with own.client() as http:
        text = http.get("/metrics").text
    assert 'lsamatting_job_seconds_count{outcome="cancelled",task="Once"} 1.0' in text


def test_a_later_stroke_overtakes_and_cancel_ends(own, scene):
    with own.client() as http:
        here = http.post("/v1/sessions", files=files(scene, "image", "trimap")).json()
        here = here["links"]["self"]
        slow = {"refine": True, "tta": True}
        with ThreadPoolExecutor(1) as beside:
            first = beside.submit(http.post, f"{here}/matte", json=slow)
            while not own.service.pool.state().running:
                pass
            assert http.post(f"{here}/matte", json={}).status_code == 200
            assert first.result().status_code == 409
            second = beside.submit(http.post, f"{here}/matte", json=slow)
            while not own.service.pool.state().running:
                pass
            assert http.delete(f"{here}/matte").json() == {"cancelled": True}
            assert second.result().json()["type"].endswith("cancelled")
        assert http.delete(f"{here}/matte").json() == {"cancelled": False}


def test_a_time_limit(settings, start_server, scene):
    with (
        start_server(replace(settings, limits=Limits(seconds=0.05))) as server,
        server.client() as http,
    ):
        sent = files(scene, "image", "trimap")
        response = http.post("/v1/matte", files=sent, data={"tta": "true"})
        assert response.status_code == 504
        assert response.json()["type"].endswith("time-limit")
        assert http.get("/health").status_code == 200


def test_little_memory_is_enough(settings, start_server, scene):
    """Pictures that had to be let go of are read again."""
    with (
        start_server(replace(settings, limits=Limits(memory=100_000))) as server,
        server.client() as http,
    ):
        heres = []
        for _ in range(3):
            opened = http.post("/v1/sessions", files=files(scene, "image", "trimap")).json()
            heres.append(opened["links"]["self"])
            assert http.post(f"{heres[-1]}/matte").status_code == 200
        alphas = [alpha_of(http.get(f"{here}/alpha")) for here in heres]
        assert np.array_equal(alphas[0], alphas[1])
        assert np.array_equal(alphas[0], alphas[2])


@pytest.mark.slow
def test_memory_stays_and_no_request_is_lost(settings, start_server, eventually):
    """The short form of what benchmarks/server.py does."""
    rng = np.random.default_rng(0)
    bodies = []
    for side in (40, 90, 140, 64):
        image = rng.integers(0, 255, (side, side + 10, 3), np.uint8)
        marks = np.full((side, side + 10), 128, np.uint8)
        marks[:8], marks[-8:] = 0, 255
        sent = {}
        for name, array in (("image", image), ("trimap", marks)):
            file = io.BytesIO()
            Image.fromarray(array).save(file, "PNG")
            sent[name] = file.getvalue()
        bodies.append((sent, marks.shape))
    with start_server(settings) as server:

        def ask(number):
            sent, shape = bodies[number % len(bodies)]
            with server.client() as http:
                return alpha_of(http.post("/v1/matte", files=sent)).shape == shape

        with ThreadPoolExecutor(4) as clients:
            assert all(clients.map(ask, range(40)))
            before = server.service.pool.state().resident
            assert all(clients.map(ask, range(60)))
        assert server.service.pool.state().resident < before * 1.15
        # Uploads go once their answer is sent, which the client may see first.
        eventually(lambda: not list((server.service.folder / "once").iterdir()))
