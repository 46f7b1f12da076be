"""A cluster from the command line: its options, and the engine that they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsamatting.cli.console import warn
from lsamatting.errors import ConfigError

if TYPE_CHECKING:
    from lsamatting.batch.cluster import Cluster
    from lsamatting.batch.job import Job, Outcome
    from lsamatting.batch.recipe import Recipe
    from lsamatting.batch.results import Results
    from lsamatting.batch.stopping import Stop
    from lsamatting.choices import EngineName


@dataclass
class EngineOfCluster:
    """Works on a cluster."""

    cluster: Cluster

    def __call__(self, jobs: Sequence[Job], stop: Stop) -> Iterator[Outcome]:
        """Do jobs side by side."""
        return self.cluster.work(jobs, stop)

    def settle(self) -> None:
        """Take away what workers left for others to see, once all is recorded."""
        self.cluster.claims.clear()


def check_cluster_options(engine: EngineName, *, workers: int | None, **options: Any) -> None:
    """Refuse options of a cluster without one, and those of this machine with one.

    Raises
    ------
    ConfigError
        One is given.
    """
    given = [name for name, value in options.items() if value is not None]
    if engine != "ray" and given:
        raise ConfigError(f"--{given[0].replace('_', '-')} goes with --engine ray")
    if engine == "ray" and workers == 0:
        raise ConfigError("--workers 0 works in this process, --engine ray on a cluster")


def cluster_engine(
    jobs: Sequence[Job],
    recipe: Recipe,
    *,
    out: str,
    results: Results,
    workers: int | None,
    threads: int | None,
    address: str | None,
    least_workers: int | None,
    gpus: float | None,
    at_a_time: int | None,
) -> EngineOfCluster:
    """Give what does jobs on a cluster; None is each option's default.

    Raises
    ------
    ConfigError
        A number is out of range, or an address means something to this process alone.
    MissingExtraError
        The extra `cluster` is not installed.
    """
    from lsamatting.batch.cluster import Cluster, ClusterOptions

    for job in jobs:
        for file in (job.image, job.guide, *job.outputs.values()):
            if file.startswith("memory://"):
                raise ConfigError(f"{file}: other machines cannot see this process's memory")
    given = {"least_workers": least_workers, "gpus": gpus, "at_a_time": at_a_time}
    options = ClusterOptions(
        address,
        most_workers=workers,
        threads=threads or 1,
        **{name: value for name, value in given.items() if value is not None},  # type: ignore[arg-type]
    )
    mark = f"{results.recipe} {results.weights}"
    return EngineOfCluster(Cluster(recipe, out=out, mark=mark, options=options, tell=warn))
