"""What the server tells Prometheus."""

from __future__ import annotations

from http import HTTPMethod

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from lsamatting.server.pool import PoolState

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_METHODS = frozenset(HTTPMethod)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "lsamatting_request_seconds",
            "Time from a request to the end of its answer",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.jobs = Histogram(
            "lsamatting_job_seconds",
            "Time from a job's arrival to its end, waiting included",
            ("task", "outcome"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.pixels = Counter(
            "lsamatting_pixels",
            "Pixels of the pictures that mattes were computed of",
            registry=self.registry,
        )
        self._gauges = {
            name: Gauge(f"lsamatting_{name}", text, registry=self.registry)
            for name, text in (
                ("workers", "Worker processes"),
                ("workers_ready", "Worker processes with their weights loaded"),
                ("jobs_running", "Jobs that a worker has"),
                ("jobs_waiting", "Jobs that no worker has yet"),
                ("worker_resident_bytes", "Memory of all workers when they last reported"),
                ("worker_restarts", "Workers that ended unexpectedly"),
                ("sessions", "Open sessions"),
            )
        }

    def observe(self, method: str, route: str, status: str, *, seconds: float) -> None:
        """Count a request.

        Methods that nobody defined are counted together: each would be a series of its own, and
        whoever asks chooses their names.
        """
        known = method if method in _METHODS else "other"
        self.requests.labels(known, route, status).observe(seconds)

    def text(self, pool: PoolState, sessions: int) -> bytes:
        """Give all of it in Prometheus' text format."""
        values = {
            "workers": pool.workers,
            "workers_ready": pool.ready,
            "jobs_running": pool.running,
            "jobs_waiting": pool.waiting,
            "worker_resident_bytes": pool.resident,
            "worker_restarts": pool.restarts,
            "sessions": sessions,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self.registry)
