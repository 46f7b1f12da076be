"""Throughput of a batch: one process with one thread, against one such process per processor.

    python benchmarks/batch.py photos/ trimaps/ --copies 4

Each picture is done `--copies` times. The two take turns, `--rounds` times, and of each the best
round counts. Wall time runs from when the first worker is ready; start-up is told apart. Printed
are how many times more pictures come out in the same time, and the processor time of a picture
alone divided by that of one among others (1 where nothing is lost to shared caches and memory).
A third way, all threads on one picture at a time, is what a single process would do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from lsamatting.batch.here import work_here
from lsamatting.batch.job import Done, Job
from lsamatting.batch.local import LocalPool
from lsamatting.batch.pairing import pair_up
from lsamatting.batch.planning import plan
from lsamatting.batch.recipe import Model, Recipe
from lsamatting.batch.stopping import Stop
from lsamatting.batch.work import Work
from lsamatting.text_table import align
from lsamatting.threads import processors


@dataclass
class Round:
    pictures: int = 0
    pixels: int = 0
    start: float = 0.0
    wall: float = 0.0
    processor: float = 0.0

    def count(self, outcome: object) -> None:
        if not isinstance(outcome, Done):
            raise SystemExit(outcome)
        width, height = outcome.report["size"]
        self.pictures += 1
        self.pixels += width * height
        self.processor += outcome.report["seconds"]["processor"]


def in_processes(jobs: list[Job], recipe: Recipe, workers: int) -> Round:
    found, begun, ready = Round(), time.perf_counter(), 0.0
    for outcome in LocalPool(recipe, devices=["cpu"] * workers).work(jobs, Stop()):
        if not ready:
            # It was ready when it began the first picture.
            assert isinstance(outcome, Done)
            ready = time.perf_counter() - outcome.report["seconds"]["total"]
        found.count(outcome)
    found.start, found.wall = ready - begun, time.perf_counter() - ready
    return found


def one_at_a_time(jobs: list[Job], recipe: Recipe) -> Round:
    begun = time.perf_counter()
    work = Work.of(recipe)
    found = Round(start=time.perf_counter() - begun)
    for outcome in work_here(jobs, work, stop=Stop()):
        found.count(outcome)
    found.wall = time.perf_counter() - begun - found.start
    return found


def best(rounds: list[Round]) -> Round:
    return min(rounds, key=lambda found: found.wall)


def row(name: str, found: Round) -> tuple[str, ...]:
    return (
        name,
        f"{found.start:.1f}",
        f"{found.wall:.1f}",
        f"{found.pictures / found.wall:.2f}",
        f"{found.pixels / 1e6 / found.wall:.2f}",
        f"{found.processor / found.pictures:.3f}",
        f"{found.processor / (found.pixels / 1e6):.3f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images")
    parser.add_argument("trimaps")
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=processors())
    parser.add_argument("--weights", default="lite")
    parser.add_argument("--runtime", default="auto")
    asked = parser.parse_args()
    recipe = Recipe(Model(asked.weights, "cpu", runtime=asked.runtime))
    with tempfile.TemporaryDirectory() as folder:
        jobs = plan(
            [
                Job(pair.image, pair.guide, {"alpha": f"{folder}/{copy}/{pair.name}.png"})
                for pair in pair_up([asked.images], asked.trimaps).pairs
                for copy in range(asked.copies)
            ]
        ).pending
        Path(folder).mkdir(exist_ok=True)
        ones, alls, peers = [], [], []
        for _ in range(asked.rounds):
            ones.append(in_processes(jobs, recipe, 1))
            alls.append(in_processes(jobs, recipe, asked.workers))
            peers.append(one_at_a_time(jobs, recipe))
    one, together, peer = best(ones), best(alls), best(peers)
    head = ("", "start s", "wall s", "pictures/s", "MP/s", "processor s/picture", "s/MP")
    table = [
        head,
        row("1 process, 1 thread", one),
        row(f"{asked.workers} processes, 1 thread each", together),
        row("1 process, all threads", peer),
    ]
    for line in align(table):
        print(line)
    alone, among = (found.processor / found.pictures for found in (one, together))
    print(f"throughput   {one.wall / together.wall:.2f} x one process with one thread")
    print(f"             {peer.wall / together.wall:.2f} x one process with all threads")
    print(f"efficiency   {alone / among:.3f} of {asked.workers} x one, by processor time")


if __name__ == "__main__":
    main()
