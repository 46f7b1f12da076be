"""A process that loads a model once and does one job after another."""

from __future__ import annotations

import os
import signal
import warnings
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from lsamatting.budget import share_memory
from lsamatting.errors import LsamattingError, TrimapWarning

if TYPE_CHECKING:
    from lsamatting.batch.recipe import Recipe
    from lsamatting.batch.work import Work


@dataclass(frozen=True)
class Ready:
    """The model is loaded, or why it could not be."""

    runtime: str = ""
    device: str = ""
    precision: str = ""
    problem: str | None = None


def serve(
    connection: Connection, recipe: Recipe, threads: int, workers: int, account: bool
) -> None:
    """Be one of some workers until the pipe closes: a `Job` in, an `Outcome` out."""
    # Ctrl-C reaches all processes of a terminal; the one that hands out jobs decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work = prepare(recipe, threads, workers)
    except LsamattingError as error:
        connection.send(Ready(problem=str(error)))
        return
    from lsamatting.batch.here import attempt

    runtime = work.model.runtime
    connection.send(Ready(runtime.name, runtime.device, work.model.options.precision))
    while True:
        try:
            job = connection.recv()
            connection.send(attempt(work, job, account=account))
        except (EOFError, OSError):
            # Whoever wanted the outcomes is gone.
            os._exit(0)


def prepare(recipe: Recipe, threads: int, workers: int) -> Work:
    """Set a process up that does nothing but work, and load the model.

    Parameters
    ----------
    recipe
        What to do; the memory that it states is that of all workers of this machine together.
    threads
        Of this process.
    workers
        How many share this machine's memory.

    Raises
    ------
    WeightsError, ConfigError, MissingExtraError
        As `Work.of`.
    """
    # These are read at the first import.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    # Reports hold what is odd about a trimap.
    warnings.filterwarnings("ignore", category=TrimapWarning)
    from lsamatting.batch.work import Work
    from lsamatting.memory import keep_freed_memory
    from lsamatting.threads import limit_threads

    keep_freed_memory()
    limit_threads(threads)
    share_memory(workers)
    memory = recipe.model.memory
    if memory is not None:
        recipe = replace(recipe, model=replace(recipe.model, memory=memory // workers))
    return Work.of(recipe)
