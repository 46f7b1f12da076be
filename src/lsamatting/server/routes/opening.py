"""How a session begins: with a picture, or with a project that was saved."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import Request, UploadFile

from lsamatting.server.problems import ProblemError
from lsamatting.server.project import unpack_project
from lsamatting.server.routes.marking import set_trimap
from lsamatting.server.schemas import OpenedBody, SessionBody
from lsamatting.server.service import Service, client_of, remove
from lsamatting.server.sessions import SessionRecord
from lsamatting.server.tasks import Guide, MatteOptions, OpenPicture, Upload


async def open_session(
    service: Service, request: Request, image: UploadFile | Path, options: MatteOptions
) -> SessionRecord:
    """Keep a picture, and have a worker decode it."""
    if options.weights not in service.settings.weights:
        raise ProblemError(
            "weights",
            f"weights '{options.weights}'; accepted here: {', '.join(service.settings.weights)}",
        )
    name = image.name if isinstance(image, Path) else image.filename
    record = service.sessions.create(
        client=client_of(request), name=name or "the picture", options=options
    )
    try:
        if isinstance(image, Path):
            await asyncio.to_thread(_copy_file, image, record.picture.path)
        else:
            record.picture = await service.keep(image, record.picture.path)
        record.facts = await service.run(
            request, OpenPicture(record.recipe), session=record.id, names=(record.picture,)
        )
    except BaseException:
        service.sessions.close(record.id)
        raise
    service.sessions.make_room()
    return record


async def open_project(service: Service, request: Request, upload: UploadFile) -> OpenedBody:
    """Open a project: its picture, trimap, strokes and settings."""
    kept = await service.keep(upload, service.new_file(".lsm"))
    record = service.sessions.create(
        client=client_of(request),
        name=kept.name,
        options=MatteOptions(service.settings.weights[0]),
    )
    try:
        project = await asyncio.to_thread(
            unpack_project, kept, record.folder, most=service.settings.limits.body
        )
        record.picture = Upload(record.picture.path, project.name)
        weights = project.options.weights
        if weights is not None and weights not in service.settings.weights:
            raise ProblemError(
                "weights",
                f"{kept.name} was made with weights '{weights}';"
                f" accepted here: {', '.join(service.settings.weights)}",
            )
        record.options = project.options.options(service.settings.weights[0])
        record.facts = await service.run(
            request, OpenPicture(record.recipe), session=record.id, names=(record.picture,)
        )
        if project.trimap is not None:
            guide = Guide("trimap", Upload(project.trimap, f"the trimap of {kept.name}"))
            await set_trimap(service, request, record, guide)
        record.strokes = tuple(stroke.stroke() for stroke in project.strokes)
    except BaseException:
        service.sessions.close(record.id)
        raise
    finally:
        remove(kept.path)
    service.sessions.make_room()
    body = SessionBody.of(record).model_dump()
    return OpenedBody(**body, page=project.page, finish=project.finish)


def _copy_file(source: Path, target: str) -> None:
    import shutil

    from lsamatting.errors import ImageError

    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise ImageError(f"{source.name}: cannot be opened ({error.strerror})") from None
