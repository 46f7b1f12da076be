"""A session's matte, and the strokes that correct it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request

from lsamatting.server.brush import BrushStroke
from lsamatting.server.problems import ProblemError
from lsamatting.server.routes.forms import SESSION_ERRORS, Identity
from lsamatting.server.schemas import OptionsBody, SessionBody, StrokeBody, StrokeChange
from lsamatting.server.service import Service, ServiceDep
from lsamatting.server.sessions import SessionRecord

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])


@router.post("/{identity}/matte", responses=SESSION_ERRORS)
async def compute(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    options: Annotated[OptionsBody | None, Body()] = None,
) -> SessionBody:
    """Compute the matte; the answer comes when it is there, progress on `events` before.

    Without a body the options are those of the last time.
    """
    record = service.sessions.get(identity)
    before = wanted = record.options
    if options is not None:
        wanted = options.options(service.settings.weights[0])
        if wanted.weights not in service.settings.weights:
            raise ProblemError(
                "weights",
                f"weights '{wanted.weights}'; accepted here: {', '.join(service.settings.weights)}",
            )
        record.options = wanted
    try:
        await service.compute(request, record)
    except ProblemError:
        raise  # overtaken or given up: it is still what was asked for
    except Exception:
        # Or no layer could be had any more, not even of the matte that is there.
        if record.options is wanted:
            record.options = before
        raise
    return SessionBody.of(record)


@router.delete("/{identity}/matte", responses=SESSION_ERRORS)
async def cancel(service: ServiceDep, identity: Identity) -> dict[str, bool]:
    """Give up what is being computed."""
    return {"cancelled": service.cancel(service.sessions.get(identity))}


@router.get("/{identity}/strokes", responses=SESSION_ERRORS)
async def list_strokes(service: ServiceDep, identity: Identity) -> list[StrokeBody]:
    """List the strokes, the first painted first."""
    return [StrokeBody.of(stroke) for stroke in service.sessions.get(identity).strokes]


@router.post("/{identity}/strokes", responses=SESSION_ERRORS)
async def add_stroke(
    service: ServiceDep, request: Request, identity: Identity, stroke: StrokeBody
) -> SessionBody:
    """Correct the matte with a stroke; the answer comes when it was followed."""
    record = service.sessions.get(identity)
    return await _follow(service, request, record, (*record.strokes, stroke.stroke()))


@router.put("/{identity}/strokes", responses=SESSION_ERRORS)
async def replace_strokes(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    strokes: list[StrokeBody],
    compute: Annotated[bool, Query(description="follow them, or only keep them")] = True,
) -> SessionBody:
    """Replace all strokes."""
    record = service.sessions.get(identity)
    if not compute:
        _check_number(service, len(strokes))
        record.strokes = tuple(one.stroke() for one in strokes)
        return SessionBody.of(record)
    return await _follow(service, request, record, tuple(one.stroke() for one in strokes))


@router.patch("/{identity}/strokes/{number}", responses=SESSION_ERRORS)
async def change_stroke(
    service: ServiceDep,
    request: Request,
    identity: Identity,
    number: Annotated[int, Path(ge=0, le=100000)],
    change: StrokeChange,
) -> SessionBody:
    """Switch a stroke off or on; the first has number 0."""
    record = service.sessions.get(identity)
    if number >= len(record.strokes):
        raise ProblemError("option", f"stroke {number}: there are {len(record.strokes)}")
    changed = list(record.strokes)
    changed[number] = replace(changed[number], enabled=change.enabled)
    return await _follow(service, request, record, tuple(changed))


@router.delete("/{identity}/strokes/last", responses=SESSION_ERRORS)
async def undo_stroke(service: ServiceDep, request: Request, identity: Identity) -> SessionBody:
    """Take the last stroke back."""
    record = service.sessions.get(identity)
    if not record.strokes:
        raise ProblemError("option", "there is no stroke to take back")
    return await _follow(service, request, record, record.strokes[:-1])


async def _follow(
    service: Service, request: Request, record: SessionRecord, strokes: tuple[BrushStroke, ...]
) -> SessionBody:
    _check_number(service, len(strokes))
    before, record.strokes = record.strokes, strokes
    try:
        await service.compute(request, record)
    except ProblemError:
        raise  # overtaken or given up: the strokes stay
    except Exception:
        if record.strokes is strokes:
            record.strokes = before
        raise
    return SessionBody.of(record)


def _check_number(service: Service, strokes: int) -> None:
    most = service.settings.limits.strokes
    if strokes > most:
        raise ProblemError("option", f"{strokes} strokes; a session may have {most}")
