"""What the server costs: its overhead, its answers to a user's hand, and a long run of requests.

    python benchmarks/server.py all            # everything below, in a quarter of an hour
    python benchmarks/server.py overhead       # HTTP against calling Python, on half a megapixel
    python benchmarks/server.py stroke         # from a painted line to the new matte
    python benchmarks/server.py proposal       # from scribbles to a trimap, on a megapixel
    python benchmarks/server.py sample         # from the page's button to its result (chromium)
    python benchmarks/server.py together       # small pictures in one batch against one by one
    python benchmarks/server.py soak           # 2,000 requests from 8 clients, a worker killed

Each starts a server of its own with the bundled weights and prints a table with what is asked for.
`overhead` lets the API and a call from Python take turns on the same picture, so that both meet the
machine in the same state.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import torch
import uvicorn
from numpy.typing import NDArray
from PIL import Image

from lsamatting import Matting
from lsamatting.inference.frame import frame_picture
from lsamatting.inference.symmetry import IDENTITY
from lsamatting.inference.tensors import layout_tensors
from lsamatting.server.app import create_app
from lsamatting.server.serving import listen
from lsamatting.server.settings import Limits, ServerSettings


def picture(
    width: int, height: int, seed: int = 0, *, known: float = 0.26, unknown: float = 0.34
) -> dict[str, bytes]:
    """Give files of a ragged disc and its trimap; radii are shares of the shorter side."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    around = np.arctan2(rows - height / 2, columns - width / 2)
    away = np.hypot(rows - height / 2, columns - width / 2) / min(width, height)
    middle = (known + unknown) / 2
    ragged = away + (unknown - known) / 5 * np.sin(around * 40)
    inside = np.clip((middle - ragged) * 60, 0, 1)[..., None]
    pixels = inside * (190, 90, 60) + (1 - inside) * (80, 140, 110)
    pixels += rng.normal(0, 8, pixels.shape)
    marks = np.select([away < known, away > unknown], [255, 0], 128)
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


def array(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(file)))


def verdict(what: str, found: float, most: float, unit: str) -> None:
    print(f"{what}: {found:.2f} {unit}, asked for {most:g}: {'met' if found <= most else 'MISSED'}")


def overhead(requests: int) -> None:
    files = picture(820, 610)
    model = Matting.from_pretrained(device="cpu")
    direct: list[float] = []
    served: list[float] = []
    with running(1) as (address, _), httpx.Client(base_url=address, timeout=300) as client:
        for number in range(requests + 2):
            started = time.perf_counter()
            matte = model(array(files["image"]), array(files["trimap"]), foreground="none")
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
        more, called = 1000 * (of(served) - of(direct)), 1000 * of(direct)
        print(f"ratio ({name}): {of(served) / of(direct):.3f}")
        verdict(f"overhead ({name})", more, 10 + 0.05 * called, "ms")


def stroke(strokes: int) -> None:
    # The unknown ring and what is looked at around it are half a megapixel.
    files = picture(1000, 850, known=0.27, unknown=0.345)
    with running(1) as (address, _), httpx.Client(base_url=address, timeout=300) as client:
        here = client.post("/v1/sessions", files=files).json()["links"]["self"]
        client.post(f"{here}/matte")
        times: dict[str, list[float]] = {"keep or remove": [], "30 % opaque": []}
        for number in range(2 * strokes):
            around = 0.4 * number
            x, y = 500 + 262 * np.cos(around), 425 + 262 * np.sin(around)
            points = [[x, y, 5], [x + 6, y + 8, 5]]
            kind = "keep or remove" if number < strokes else "30 % opaque"
            opacity = number % 2 if number < strokes else 0.3
            started = time.perf_counter()
            answer = client.post(f"{here}/strokes", json={"points": points, "opacity": opacity})
            assert answer.status_code == 200, answer.text
            client.get(f"{here}/cutout", params={"fit": 4_000_000})
            times[kind].append(time.perf_counter() - started)
            seconds = answer.json()["matte"]["seconds"]
        for kind, spent in times.items():
            print(f"{kind}: least {min(spent):.2f} s, median {statistics.median(spent):.2f} s")
        print("the last, in parts:", ", ".join(f"{k} {v:.2f} s" for k, v in seconds.items()))
    verdict("a stroke's answer (median)", statistics.median(times["keep or remove"]), 1.5, "s")


def proposal(proposals: int) -> None:
    width, height = 1150, 870
    files = picture(width, height)
    marks = np.full((height, width), 64, np.uint8)
    marks[430:440, 520:620], marks[40:50, 100:1000] = 255, 0
    with running(1) as (address, _), httpx.Client(base_url=address, timeout=300) as client:
        here = client.post("/v1/sessions", files={"image": files["image"]}).json()["links"]["self"]
        times = []
        for number in range(proposals + 1):
            marks[430:440, 500 - 4 * number : 520] = 255
            started = time.perf_counter()
            answer = client.post(
                f"{here}/proposal",
                params={"width": width, "height": height},
                content=gzip.compress(marks.tobytes(), 6),
                headers={
                    "Content-Type": "application/octet-stream",
                    "Content-Encoding": "gzip",
                },
            )
            assert answer.status_code == 200, answer.text
            times.append(1000 * (time.perf_counter() - started))
        del times[0]  # which scales the picture
    print(f"least {min(times):.0f} ms, median {statistics.median(times):.0f} ms")
    verdict("a trimap from scribbles, 1 megapixel (median)", statistics.median(times), 200, "ms")


def sample() -> None:
    from playwright.sync_api import expect, sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with running(1) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        started = time.perf_counter()
        page.goto(address)
        page.get_by_text("Try the sample picture").click()
        with page.expect_response(lambda one: "/cutout?" in one.url, timeout=300_000):
            expect(page.locator(".said")).to_contain_text("Done", timeout=300_000)
        spent = time.perf_counter() - started
        browser.close()
    verdict("from opening the page to the sample's cutout", spent, 10, "s")


def together(size: int = 256, pictures: int = 4) -> None:
    model = Matting.from_pretrained(device="cpu")
    files = picture(size, size)
    frame = frame_picture(
        array(files["image"]).astype(np.float32) / np.float32(255),
        array(files["trimap"]),
        priors=model.runtime.config.priors,
    )
    one = layout_tensors(frame.lay_out(IDENTITY), torch.device("cpu"))
    all_at_once = tuple(torch.cat([tensor] * pictures) for tensor in one)

    def best(work: Callable[[], object]) -> tuple[float, float]:
        walls, processors = [], []
        for _ in range(9):
            wall, processor = time.perf_counter(), time.process_time()
            work()
            walls.append(1000 * (time.perf_counter() - wall))
            processors.append(1000 * (time.process_time() - processor))
        return min(walls), min(processors)

    with torch.inference_mode():
        apart = best(lambda: [model.network(*one) for _ in range(pictures)])
        batch = best(lambda: model.network(*all_at_once))
    print(f"{pictures} pictures of {size} px through the network    ms    processor ms")
    for name, (wall, processor) in (("one by one", apart), ("in one batch", batch)):
        print(f"{name:<40} {wall:6.1f} {processor:15.1f}")
    print(f"ratio {batch[0] / apart[0]:.2f}")


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def soak(requests: int, clients: int) -> None:
    sizes = [(80, 60), (160, 120), (320, 240), (480, 320), (240, 360)]
    bodies = [picture(*size, seed=number) for number, size in enumerate(sizes)]
    workers = min(2, os.cpu_count() or 1)
    # A new worker begins small: its predecessor is killed only when memory was watched for long.
    settled, killed = requests // 10, requests * 9 // 10
    lost = 0
    held: list[tuple[int, int, int]] = []
    times: list[float] = []
    with running(workers) as (address, service):

        def ask(number: int) -> None:
            nonlocal lost
            if number == killed:
                os.kill(service.pool._workers[0].process.pid, signal.SIGKILL)
            started = time.perf_counter()
            try:
                with httpx.Client(base_url=address, timeout=600) as client:
                    lost += (
                        client.post("/v1/matte", files=bodies[number % len(bodies)]).status_code
                        != 200
                    )
            except httpx.HTTPError:
                lost += 1
            times.append(time.perf_counter() - started)
            if number % max(1, requests // 20) == 0:
                held.append((number, service.pool.state().resident, resident()))

        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(ask, range(requests)))
        spent = time.perf_counter() - started
        restarts = service.pool.state().restarts
    print(f"{requests} requests of {len(sizes)} sizes from {clients} clients, {workers} workers")
    print(
        f"{spent:.0f} s, {requests / spent:.1f} requests/s, p50 {1000 * percentile(times, 0.5):.0f}"
        f" ms, p99 {1000 * percentile(times, 0.99):.0f} ms"
    )
    print("requests done   workers, MiB   server and clients, MiB")
    for number, size, own in sorted(held):
        after = "   a worker was killed" if number >= killed else ""
        print(f"{number:13d} {size / 2**20:14.0f} {own / 2**20:25.0f}{after}")
    watched = [size for number, size, _ in sorted(held) if settled <= number < killed]
    away = max(abs(size / watched[0] - 1) for size in watched)
    print(f"workers killed and replaced: {restarts}")
    verdict("requests lost", lost, 0, "requests")
    verdict(f"memory after {settled} requests, away from what it was", 100 * away, 5, "%")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ("overhead", "stroke", "proposal", "sample", "together", "soak")
    parser.add_argument("what", choices=[*names, "all"])
    parser.add_argument("--requests", type=int, help="how many [20; soak: 2000]")
    parser.add_argument("--clients", type=int, default=8, help="of the soak [8]")
    chosen = parser.parse_args()
    few = chosen.requests or 20
    jobs: dict[str, Callable[[], None]] = {
        "overhead": lambda: overhead(few),
        "stroke": lambda: stroke(min(few, 10)),
        "proposal": lambda: proposal(few),
        "sample": sample,
        "together": together,
        "soak": lambda: soak(chosen.requests or 2000, chosen.clients),
    }
    for name in names if chosen.what == "all" else (chosen.what,):
        print(f"== {name}", flush=True)
        jobs[name]()
        print(flush=True)


if __name__ == "__main__":
    main()
