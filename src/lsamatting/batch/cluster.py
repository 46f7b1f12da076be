"""The engine of many machines: Ray Data over addresses, and actors with a model each."""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lsamatting.batch.census import Census
from lsamatting.batch.claims import Claim, Claims
from lsamatting.batch.job import Done, Job, Outcome
from lsamatting.batch.planning import all_there, as_recorded
from lsamatting.batch.stopping import Stop
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.extras import require

if TYPE_CHECKING:
    from lsamatting.batch.recipe import Recipe
    from lsamatting.batch.work import Work

MOST_AT_A_TIME = 4
"""Pictures in one task: more would be more to do again, and a longer tail."""

SLICE = 20_000
"""Tasks in one data set: each costs the process that hands them out some memory."""

_AHEAD = 2
"""Tasks that an actor has at a time: one in hand, and one that waits for it."""

_POLL = 0.5


@dataclass(frozen=True)
class ClusterOptions:
    """What of a cluster is used.

    Raises
    ------
    ConfigError
        A number is out of range.
    """

    address: str | None = None
    """Of the cluster. If not given: what RAY_ADDRESS says, else one that runs on this machine, else
    this machine."""

    least_workers: int = 1
    most_workers: int | None = None
    """Bounds within which the number of workers follows the work; as many as there is room for."""

    threads: int = 1
    """Processors of each worker."""

    gpus: float = 0.0
    """GPUs of each worker; a fraction lets several share one."""

    at_a_time: int = 2
    """Pictures that a worker is handed at a time."""

    def __post_init__(self) -> None:
        if not 1 <= self.at_a_time <= MOST_AT_A_TIME:
            raise ConfigError(
                f"pictures at a time: found {self.at_a_time}; accepted: 1 to {MOST_AT_A_TIME}"
            )
        if self.least_workers < 1 or (self.most_workers or math.inf) < self.least_workers:
            raise ConfigError(
                f"workers from {self.least_workers} to {self.most_workers}; accepted: at least 1, "
                "and no fewer at most than at least"
            )
        if not 0 <= self.gpus <= 1:
            raise ConfigError(f"gpus: found {self.gpus:g}; accepted: 0 to 1")


class Cluster:
    """Workers on a cluster.

    Parameters
    ----------
    recipe
        What they do with every picture. Its weights have to be where the workers are.
    out
        The folder of the results: a path that all machines share, or a URL.
    mark
        Of the recipe and weights, as for `Claims`.
    options
        What of the cluster is used.
    tell
        Called with what the user should know while the work is waiting.

    Raises
    ------
    MissingExtraError
        The extra `cluster` is not installed.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        out: str,
        mark: str,
        options: ClusterOptions,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        require("cluster", "the engine ray")
        self._tell = tell
        self._recipe = recipe
        self._out = out
        self._mark = mark
        self._options = options
        self.claims = Claims(out, mark)

    def work(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Do jobs side by side; outcomes come as they end.

        What an earlier run did without recording it comes first. A worker that dies costs
        the picture it was at, which is tried once more. When a stop is asked for, what is in
        flight is finished and nothing else begun.

        Raises
        ------
        LsamattingError
            The cluster cannot be reached, a worker cannot load the model, or this machine is the
            cluster and has no room for a worker.
        """
        earlier = self.earlier(jobs)
        yield from earlier
        # How often another run began a picture does not count against it.
        self.claims.clear()
        seen = {outcome.job.key for outcome in earlier}
        left = [job for job in jobs if job.key not in seen]
        if not left:
            return
        import ray

        ours = not ray.is_initialized()
        alone = ours and _connect(self._options.address)
        over = threading.Event()
        watcher = threading.Thread(target=self._pass_on, args=(stop, over), daemon=True)
        watcher.start()
        try:
            self._look_for_room(alone=alone)
            size = SLICE * self._options.at_a_time
            for start in range(0, len(left), size):
                if stop.requested:
                    return
                yield from self._work_on(left[start : start + size])
        finally:
            over.set()
            watcher.join()
            if ours:
                ray.shutdown()

    def _look_for_room(self, *, alone: bool) -> None:
        """Say so if no machine can hold a worker: Ray waits for one that can, without a word.

        Whether one will join is not known, unless the cluster is this machine `alone`.
        """
        import ray

        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if any(_room(self._options, machine) for machine in machines):
            return
        wanted = f"processors: {self._options.threads}, GPUs: {self._options.gpus:g}"
        if alone:
            held = [machines[0].get(name, 0) for name in ("CPU", "GPU")]
            raise LsamattingError(
                f"no room for a worker ({wanted}): this machine has {held[0]:g} and {held[1]:g}"
            )
        if self._tell is not None:
            self._tell(
                f"no room for a worker ({wanted}) on any of the cluster's {len(machines)} "
                "machines; waiting for one that has it"
            )

    def earlier(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Give what an earlier run did without recording it, as far as it still holds.

        What it failed at is tried again: it may have been mended since.
        """
        done = [outcome for outcome in self.claims.ended(jobs) if isinstance(outcome, Done)]
        asked = [outcome.job for outcome in done]
        census = Census(
            address for job in asked for address in (job.image, job.guide, *job.outputs.values())
        )
        return [outcome for outcome in done if _holds(outcome, census)]

    def _work_on(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        import ray

        options = self._options
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.execution_options.verbose_progress = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        rows = [{"job": json.dumps(asdict(job))} for job in jobs]
        blocks = math.ceil(len(rows) / options.at_a_time)
        done = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _Worker,
            fn_constructor_args=(self._recipe, options, self._out, self._mark),
            batch_size=options.at_a_time,
            compute=ray.data.ActorPoolStrategy(
                min_size=options.least_workers,
                max_size=options.most_workers,
                max_tasks_in_flight_per_actor=_AHEAD,
            ),
            num_cpus=options.threads,
            num_gpus=options.gpus,
        )
        by_key = {job.key: job for job in jobs}
        for row in done.iter_rows():
            said = json.loads(row["said"])
            if said["problem"] is not None:
                raise LsamattingError(said["problem"])
            if said["claim"] is not None:
                yield Claim(**said["claim"]).outcome(by_key[said["key"]])

    def _pass_on(self, stop: Stop, over: threading.Event) -> None:
        """Let the workers know when a stop is asked for."""
        while not over.wait(_POLL):
            if stop.requested:
                self.claims.ask_to_stop()
                return


def room_for(options: ClusterOptions, resources: Mapping[str, float]) -> int:
    """Count the workers that a machine of these resources has room for, at least 1.

    They share its memory. How many there will be is not known, as their number follows the work.
    """
    return max(_room(options, resources), 1)


def _room(options: ClusterOptions, resources: Mapping[str, float]) -> int:
    room = resources.get("CPU", 0) // max(options.threads, 1)
    if options.gpus:
        room = min(room, resources.get("GPU", 0) / options.gpus)
    return int(min(room, options.most_workers or math.inf))


def _resources_here() -> dict[str, float]:
    """Tell what the machine of this actor has, as Ray counts it."""
    import ray

    here = ray.get_runtime_context().get_node_id()
    found: list[dict[str, float]] = [
        node["Resources"] for node in ray.nodes() if node["NodeID"] == here
    ]
    return found[0] if found else {}


class _Worker:
    """What an actor does: a batch of rows in, a row for each of them back."""

    def __init__(self, recipe: Recipe, options: ClusterOptions, out: str, mark: str) -> None:
        from lsamatting.batch.worker import prepare

        self._claims = Claims(out, mark)
        self._work: Work | None = None
        self._problem: str | None = None
        try:
            self._work = prepare(recipe, options.threads, room_for(options, _resources_here()))
        except LsamattingError as error:
            # Raised here it would be tried again for ever.
            self._problem = str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        said = [self._do(Job(**json.loads(text))) for text in batch["job"]]
        return {"said": [json.dumps(row) for row in said]}

    def _do(self, job: Job) -> dict[str, Any]:
        from lsamatting.batch.here import attempt

        row: dict[str, Any] = {"key": job.key, "problem": self._problem, "claim": None}
        if self._work is None or self._claims.stop_asked():
            return row
        claim = self._claims.begin(job)
        if not claim.ended:
            claim = self._claims.end(attempt(self._work, job, account=True), claim)
        return {**row, "claim": vars(claim)}


def _holds(outcome: Done, census: Census) -> bool:
    report, job = outcome.report, outcome.job
    there = "unchanged" in report or all_there(report, job, census)
    return there and as_recorded(report["inputs"], job, census)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put the handler of a request to terminate back: Ray sets its own, which exits at once."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _connect(address: str | None) -> bool:
    """Connect, and tell whether this machine is all of the cluster, which was started for it."""
    import ray

    started = False
    try:
        with _signals_kept():
            try:
                ray.init(address or "auto", log_to_driver=False, logging_level=logging.ERROR)
            except ConnectionError:
                if address is not None or "RAY_ADDRESS" in os.environ:
                    raise
                ray.init("local", log_to_driver=False, logging_level=logging.ERROR)
                started = True
    except (ConnectionError, ValueError, RuntimeError) as problem:
        words = " ".join(str(problem).split())
        raise LsamattingError(
            f"{address or 'the cluster'}: Ray cannot be reached there ({words})"
        ) from None
    return started
