"""What the routes share: the pool, the sessions, and work on behalf of a request."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request, UploadFile
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from lsamatting.server.metrics import Metrics
from lsamatting.server.pool import WorkerPool
from lsamatting.server.problems import ProblemError
from lsamatting.server.sessions import SessionRecord, SessionStore
from lsamatting.server.settings import ServerSettings
from lsamatting.server.tasks import SUFFIXES, ComputeMatte, FileFormat, MatteFacts, Task, Upload

MEDIA_TYPES: dict[str, FileFormat] = {
    "image/png": "png",
    "image/webp": "webp",
    "image/jpeg": "jpeg",
    "image/tiff": "tiff",
    "image/x-exr": "exr",
}
_TYPE_OF = {format: media for media, format in MEDIA_TYPES.items()}


class Service:
    """One server's state; made by `create_app`."""

    def __init__(self, settings: ServerSettings, given: tuple[Path, ...] = ()) -> None:
        self.settings = settings
        self.given = given
        self.metrics = Metrics()
        self.pool = WorkerPool(settings)
        self.folder = Path(tempfile.mkdtemp(prefix="lsamatting-"))
        self.sessions = SessionStore(self.folder, settings.limits, on_close=self.pool.close)
        (self.folder / "once").mkdir()

    async def stop(self) -> None:
        """End the workers and remove all files."""
        self.sessions.close_all()
        await self.pool.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- files ----

    def new_file(self, suffix: str = "") -> str:
        """Name a file for one request."""
        return str(self.folder / "once" / f"{secrets.token_hex(8)}{suffix}")

    async def keep(self, upload: UploadFile, path: str) -> Upload:
        """Write what a client sent into a file of ours."""
        await asyncio.to_thread(_copy, upload, path)
        return Upload(path, _plain_name(upload.filename))

    def answer_with(
        self, path: str, format: FileFormat, name: str, *, headers: dict[str, str] | None = None
    ) -> FileResponse:
        """Send a result and remove it afterwards."""
        return FileResponse(
            path,
            media_type=_TYPE_OF[format],
            filename=f"{name}{SUFFIXES[format]}",
            headers=headers,
            background=BackgroundTask(remove, path),
        )

    # ---- work ----

    async def run(
        self,
        request: Request,
        task: Task,
        *,
        session: str | None = None,
        light: bool = False,
        names: tuple[Upload, ...] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Any:
        """Have a task done, or given up when whoever asked has gone away."""
        started, outcome = time.perf_counter(), "failed"
        job = asyncio.ensure_future(
            self.pool.run(
                task,
                session=session,
                light=light,
                names=tuple((upload.path, upload.name) for upload in names),
                progress=progress,
            )
        )
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({job, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not job.done():
                outcome = "cancelled"
                raise ProblemError("cancelled", "the caller went away")
            result = job.result()
            outcome = "done"
            return result
        finally:
            gone.cancel()
            job.cancel()
            spent = time.perf_counter() - started
            self.metrics.jobs.labels(type(task).__name__, outcome).observe(spent)

    async def compute(self, request: Request, record: SessionRecord) -> MatteFacts:
        """Bring a session's matte up to date; a computation of it that still runs is given up."""
        self.cancel(record)

        def progress(done: int, total: int) -> None:
            record.tell({"event": "progress", "done": done, "total": total})

        recipe = record.recipe
        names = (record.picture, *((Upload(record.trimap, "the trimap"),) if record.trimap else ()))
        record.tell({"event": "started"})
        computing = asyncio.ensure_future(
            self.run(
                request,
                ComputeMatte(recipe),
                session=record.id,
                names=names,
                progress=progress,
            )
        )
        record.computing = computing
        try:
            facts: MatteFacts = await computing
        except asyncio.CancelledError:
            if not computing.cancelled():
                computing.cancel()
                raise
            record.tell({"event": "cancelled"})
            raise ProblemError("cancelled", "the computation was cancelled") from None
        except Exception as error:
            record.tell({"event": "failed", "detail": str(error)})
            raise
        finally:
            if record.computing is computing:
                record.computing = None
        record.matte = facts
        record.revision += 1
        self.metrics.pixels.inc(facts.pixels)
        record.tell({"event": "matte", "revision": record.revision})
        return facts

    @staticmethod
    def cancel(record: SessionRecord) -> bool:
        """Give up what is being computed for a session; tell whether there was anything."""
        if record.computing is None or record.computing.done():
            return False
        return record.computing.cancel()


def service_of(request: Request) -> Service:
    """Give the service of the app that a request came to."""
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(service_of)]


def client_of(request: Request) -> str:
    """Tell clients apart, by address."""
    return request.client.host if request.client is not None else ""


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _copy(upload: UploadFile, path: str) -> None:
    with open(path, "xb") as file:
        shutil.copyfileobj(upload.file, file, 2**20)


def remove(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(OSError):
        Path(path).unlink()


def _plain_name(name: str | None) -> str:
    """Make a client's file name fit for one line of a message."""
    plain = "".join(c for c in (name or "") if c.isprintable()).replace("\\", "/")
    return plain.rsplit("/", 1)[-1][:120] or "the picture"
