"""What the server costs: its overhead, a long run of requests, and a worker killed under load.

    python benchmarks/server.py overhead --requests 20
    python benchmarks/server.py soak --requests 2000 --clients 8
    python benchmarks/server.py stroke

Each starts a server of its own with the bundled weights, and prints a table. `overhead` lets the
API and a call from Python take turns on the same picture of half a megapixel, so that both meet the
machine in the same state.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import uvicorn
from PIL import Image

from lsamatting import Matting
from lsamatting.server.app import create_app
from lsamatting.server.serving import listen
from lsamatting.server.settings import Limits, ServerSettings


def picture(width: int, height: int, seed: int = 0) -> dict[str, bytes]:
    """Give files of a ragged disc and its trimap."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    around = np.arctan2(rows - height / 2, columns - width / 2)
    away = np.hypot(rows - height / 2, columns - width / 2) / min(width, height)
    ragged = away + 0.015 * np.sin(around * 40)
    inside = np.clip((0.3 - ragged) * 60, 0, 1)[..., None]
    pixels = inside * (190, 90, 60) + (1 - inside) * (80, 140, 110)
    pixels += rng.normal(0, 8, pixels.shape)
    marks = np.select([away < 0.26, away > 0.34], [255, 0], 128)
    files = {}
    for name, array in (("image", pixels.clip(0, 255)), ("trimap", marks)):
        file = io.BytesIO()
        Image.fromarray(array.astype(np.uint8)).save(file, "PNG")
        files[name] = file.getvalue()
    return files


@contextmanager
def running(workers: int):
    bound = listen("127.0.0.1", 0)
    app = create_app(ServerSettings(device="cpu", workers=workers, limits=Limits(queue=1000)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{bound.getsockname()[1]}"
    while not server.started or httpx.get(f"{address}/health").status_code != 200:
        time.sleep(0.1)
    yield address, app.state.service
    server.should_exit = True
    thread.join(30)


def percentile(values: list[float], share: float) -> float:
    return float(np.quantile(values, share))


def overhead(requests: int) -> None:
    files = picture(820, 610)
    model = Matting.from_pretrained(device="cpu")
    direct: list[float] = []
    served: list[float] = []
    with running(1) as (address, _), httpx.Client(base_url=address, timeout=300) as client:
        for number in range(requests + 2):
            started = time.perf_counter()
            matte = model(
                np.asarray(Image.open(io.BytesIO(files["image"]))),
                np.asarray(Image.open(io.BytesIO(files["trimap"]))),
                foreground="none",
            )
            Image.fromarray(np.rint(matte.alpha * 255).astype(np.uint8)).save(io.BytesIO(), "PNG")
            between = time.perf_counter()
            response = client.post("/v1/matte", files=files)
            ended = time.perf_counter()
            assert response.status_code == 200, response.text
            if number >= 2:
                direct.append(between - started)
                served.append(ended - between)
    print("0.5 megapixels, one client    requests/s   least ms    p50 ms    p99 ms")
    for name, times in (("Python", direct), ("HTTP", served)):
        print(
            f"{name:<28} {1 / statistics.mean(times):11.2f} {1000 * min(times):10.1f}"
            f" {1000 * percentile(times, 0.5):9.1f} {1000 * percentile(times, 0.99):9.1f}"
        )
    for name, of in (("least", min), ("p50", lambda times: percentile(times, 0.5))):
        difference = 1000 * (of(served) - of(direct))
        print(f"overhead ({name}): {difference:+.1f} ms, ratio {of(served) / of(direct):.3f}")


def soak(requests: int, clients: int) -> None:
    sizes = [(80, 60), (160, 120), (320, 240), (480, 320), (240, 360)]
    bodies = [picture(*size, seed=number) for number, size in enumerate(sizes)]
    workers = min(2, os.cpu_count() or 1)
    lost = 0
    resident: list[tuple[int, int]] = []
    times: list[float] = []
    with running(workers) as (address, service):

        def ask(number: int) -> None:
            nonlocal lost
            started = time.perf_counter()
            with httpx.Client(base_url=address, timeout=600) as client:
                response = client.post("/v1/matte", files=bodies[number % len(bodies)])
            lost += response.status_code != 200
            times.append(time.perf_counter() - started)
            if number % max(1, requests // 10) == 0:
                resident.append((number, service.pool.state().resident))
            if number == requests // 2:
                process = service.pool._workers[0].process
                os.kill(process.pid, signal.SIGKILL)

        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(ask, range(requests)))
        spent = time.perf_counter() - started
        restarts = service.pool.state().restarts
    print(f"{requests} requests of {len(sizes)} sizes from {clients} clients, {workers} workers")
    print(
        f"{requests / spent:.1f} requests/s, p50 {1000 * percentile(times, 0.5):.0f} ms,"
        f" p99 {1000 * percentile(times, 0.99):.0f} ms, lost {lost},"
        f" workers killed and replaced {restarts}"
    )
    print("requests done   memory of the workers, MiB")
    for number, size in sorted(resident):
        print(f"{number:13d} {size / 2**20:12.0f}")


def stroke() -> None:
    files = picture(820, 610)
    with running(1) as (address, _), httpx.Client(base_url=address, timeout=300) as client:
        here = client.post("/v1/sessions", files=files).json()["links"]["self"]
        client.post(f"{here}/matte")
        times = []
        for number in range(6):
            x = 410 + 12 * number
            points = [[x, 440, 5], [x + 6, 452, 5]]
            started = time.perf_counter()
            answer = client.post(f"{here}/strokes", json={"points": points, "opacity": number % 2})
            client.get(f"{here}/cutout", params={"fit": 4_000_000})
            times.append(time.perf_counter() - started)
            assert answer.status_code == 200, answer.text
        print("stroke on 0.5 megapixels, to the picture of the answer")
        print(f"least {min(times):.2f} s, median {statistics.median(times):.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["overhead", "soak", "stroke"])
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--clients", type=int, default=8)
    chosen = parser.parse_args()
    if chosen.what == "overhead":
        overhead(chosen.requests)
    elif chosen.what == "soak":
        soak(chosen.requests, chosen.clients)
    else:
        stroke()
