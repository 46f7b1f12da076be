"""What a worker does: open pictures, compute their mattes, follow strokes, write layers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ConfigError, TrimapError
from lsamatting.images import Picture, read_picture
from lsamatting.matte import Matte
from lsamatting.matting import Matting
from lsamatting.server.brush import BrushStroke
from lsamatting.server.guides import draw_trimap, read_guide
from lsamatting.server.layers import Sheet, write_layer
from lsamatting.server.settings import Limits, ServerSettings
from lsamatting.server.tasks import (
    CleanColours,
    CloseSession,
    ComputeMatte,
    DrawTrimap,
    MakeTrimap,
    MatteFacts,
    MatteOptions,
    Once,
    OpenPicture,
    PictureFacts,
    Propose,
    Recipe,
    Render,
    Task,
    TrimapFacts,
    Upload,
    Window,
)
from lsamatting.session import Session
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

FloatArray = NDArray[np.float32]
Progress = Callable[[int, int], None]

BYTES_PER_PIXEL = 36
"""Picture, trimap, opacity and colours of an open session."""

FEATURE_BYTES_PER_PIXEL = 400
"""What the network keeps to follow strokes, per pixel that it sees."""

MARGIN = 64
"""Known pixels that the network sees around the unknown ones."""

_LOOK = 0.2
"""Seconds between two looks whether what waits for its turn is still wanted."""


class Opened:
    """A session's picture and what was computed of it so far."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.trimap: Trimap | None = None
        self.trimap_file: str | None = None
        self.engine: Session | None = None
        self.engine_of: tuple[object, ...] | None = None
        self.followed: list[BrushStroke] = []
        self.made: tuple[tuple[object, ...], Matte] | None = None
        """The latest matte, after what it was made of; others look at it while the next is made."""

        self.sheet: Sheet | None = None

    @property
    def bytes(self) -> int:
        """About how much memory it holds."""
        pixels = self.picture.size[0] * self.picture.size[1]
        held = pixels * BYTES_PER_PIXEL
        if self.engine is not None and self.trimap is not None:
            held += _seen_pixels(self.trimap) * FEATURE_BYTES_PER_PIXEL
        return held

    def matte_of(self, wanted: tuple[object, ...]) -> Matte | None:
        """Give the matte if it was made of this."""
        made = self.made
        return made[1] if made is not None and made[0] == wanted else None


class Desk:
    """Models and open pictures of one worker.

    Parameters
    ----------
    settings:
        The server's.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._limits: Limits = settings.limits
        self._budget = settings.limits.memory // settings.workers
        self._models: dict[tuple[str, bool], Matting] = {}
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._heavy = threading.RLock()
        self._shelf = threading.Lock()
        self._model(settings.weights[0], tta=False)

    def do(self, task: Task, progress: Progress) -> Any:
        """Do what is asked and give what the task says that it gives.

        An exception that `progress` raises ends the work.
        """
        match task:
            case OpenPicture():
                return self._facts(self._open(task.recipe))
            case MakeTrimap():
                return self._make_trimap(task)
            case ComputeMatte():
                return self._compute_facts(task.recipe, progress)
            case Render():
                return self._render(task, progress)
            case Once():
                return self._once(task, progress)
            case DrawTrimap():
                return self._draw_trimap(task)
            case Propose():
                return self._propose(task)
            case CleanColours():
                return self._clean(task)
            case CloseSession():
                with self._shelf:
                    self._opened.pop(task.session, None)
                return None

    # ---- pictures ----

    def _read(self, upload: Upload) -> Picture:
        return read_picture(upload.path, max_pixels=self._limits.pixels)

    def _open(self, recipe: Recipe) -> Opened:
        opened = self._opened.get(recipe.session) or Opened(self._read(recipe.picture))
        with self._shelf:
            opened = self._opened.setdefault(recipe.session, opened)
            self._opened.move_to_end(recipe.session)
            self._make_room(recipe.session)
        return opened

    def _make_room(self, keep: str) -> None:
        """Forget what was not used for longest: first features, which cost most, then pictures."""
        held = sum(opened.bytes for opened in self._opened.values())
        for forget_features in (True, False):
            for session in list(self._opened):
                if held <= self._budget:
                    return
                if session == keep:
                    continue
                opened = self._opened[session]
                before = opened.bytes
                if forget_features:
                    opened.engine = opened.engine_of = None
                    held -= before - opened.bytes
                else:
                    del self._opened[session]
                    held -= before

    @staticmethod
    def _facts(opened: Opened) -> PictureFacts:
        picture = opened.picture
        return PictureFacts(
            width=picture.size[0],
            height=picture.size[1],
            depth=picture.depth,
            linear=picture.linear,
            notes=picture.notes,
        )

    # ---- trimaps ----

    def _make_trimap(self, task: MakeTrimap) -> TrimapFacts:
        picture = self._open(task.recipe).picture
        trimap = read_guide(task.guide, picture, max_pixels=self._limits.pixels)
        with Path(task.target).open("wb") as file:
            np.save(file, trimap.values)
        return _trimap_facts(trimap)

    def _draw_trimap(self, task: DrawTrimap) -> TrimapFacts:
        picture = None if task.picture is None else self._read(task.picture)
        trimap = draw_trimap(task.guide, picture, max_pixels=self._limits.pixels)
        trimap.write(task.target)
        return _trimap_facts(trimap)

    def _propose(self, task: Propose) -> None:
        opened = self._open(task.recipe)
        sheet = opened.sheet = opened.sheet or Sheet(opened.picture)
        marks = np.fromfile(task.scribbles.path, np.uint8).reshape(task.height, task.width)
        proposed = Trimap.from_strokes(
            sheet.small("picture", task.width, task.height),
            foreground=marks == FOREGROUND,
            background=marks == BACKGROUND,
        )
        values = proposed.values
        values[marks == UNKNOWN] = UNKNOWN
        values.tofile(task.target)

    def _trimap(self, opened: Opened, recipe: Recipe) -> Trimap:
        if recipe.trimap is None:
            raise TrimapError("there is no trimap yet: what is subject and what is background?")
        if opened.trimap is None or opened.trimap_file != recipe.trimap:
            opened.trimap = Trimap(np.load(recipe.trimap, allow_pickle=False))
            opened.trimap_file = recipe.trimap
        return opened.trimap

    # ---- mattes ----

    def _model(self, weights: str, *, tta: bool) -> Matting:
        if weights not in self._settings.weights:
            raise ConfigError(
                f"weights '{weights}'; accepted here: {', '.join(self._settings.weights)}"
            )
        if (weights, tta) not in self._models:
            self._models[weights, tta] = Matting.from_pretrained(
                weights,
                runtime=self._settings.runtime,
                device=self._settings.device,
                tta=tta,
                memory=self._limits.job_memory,
            )
        return self._models[weights, tta]

    def _compute_facts(self, recipe: Recipe, progress: Progress) -> MatteFacts:
        opened = self._open(recipe)
        before = None if opened.made is None else opened.made[1].alpha
        matte = self._compute(opened, recipe, progress)
        return MatteFacts(
            seconds=dict(matte.seconds),
            notes=tuple(map(str, matte.notes)),
            changed=_bounds(
                np.ones(matte.alpha.shape, bool)
                if before is None or before.shape != matte.alpha.shape
                else before != matte.alpha
            ),
            subject=_bounds(matte.alpha > 0),
            pixels=matte.alpha.size,
        )

    def _compute(self, opened: Opened, recipe: Recipe, progress: Progress) -> Matte:
        strokes = tuple(stroke for stroke in recipe.strokes if stroke.enabled)
        wanted = (recipe.trimap, recipe.options, strokes)
        # What is there already is looked at beside what is computed, not after it.
        matte = opened.matte_of(wanted)
        if matte is not None:
            return matte
        with self._turn(progress):
            matte = opened.matte_of(wanted)
            if matte is None:
                trimap = self._trimap(opened, recipe)
                matte = self._estimate(opened, trimap, recipe.options, strokes, progress)
                opened.made = wanted, matte
                opened.sheet = None
                with self._shelf:
                    self._make_room(recipe.session)
            return matte

    @contextmanager
    def _turn(self, progress: Progress) -> Iterator[None]:
        """Compute nothing beside another computation; who waits for it can be told to stop."""
        while not self._heavy.acquire(timeout=_LOOK):
            progress(0, 1)
        try:
            yield
        finally:
            self._heavy.release()

    def _estimate(
        self,
        opened: Opened,
        trimap: Trimap,
        options: MatteOptions,
        strokes: tuple[BrushStroke, ...],
        progress: Progress,
    ) -> Matte:
        followed = [stroke for stroke in strokes if not stroke.exact]
        # Strokes of 0 and 1 are knowledge, and followed without further steps; only to others the
        # network has to be led.
        refine = options.refine or any(0 < stroke.opacity < 1 for stroke in followed)
        if options.tta:
            shape = trimap.values.shape
            matte = self._model(options.weights, tta=True)(
                opened.picture,
                trimap,
                foreground=options.foreground,
                refine=refine,
                strokes=[(stroke.mask(*shape), stroke.opacity) for stroke in followed],
                progress=progress,
            )
        else:
            engine = self._engine(opened, trimap, options)
            _follow(engine, opened.followed, followed)
            matte = (engine.refine if refine else engine.predict)(progress=progress)
        if len(followed) == len(strokes):
            return matte
        # All strokes once more in their order: of those that overlap the latest holds.
        alpha = matte.alpha
        for stroke in strokes:
            weights = stroke.weights(*alpha.shape)
            alpha = alpha * (1 - weights) + np.float32(stroke.opacity) * weights
        return replace(matte, alpha=alpha)

    def _engine(self, opened: Opened, trimap: Trimap, options: MatteOptions) -> Session:
        wanted = (opened.trimap_file, options.weights, options.foreground)
        engine = opened.engine
        if engine is None or opened.engine_of != wanted:
            # Features of two trimaps at once would double the peak.
            opened.engine = engine = None
            engine = self._model(options.weights, tta=False).open(
                opened.picture, trimap, foreground=options.foreground
            )
            opened.engine, opened.engine_of, opened.followed = engine, wanted, []
        return engine

    # ---- results ----

    def _sheet(self, opened: Opened, recipe: Recipe, progress: Progress) -> Sheet:
        matte = self._compute(opened, recipe, progress)
        sheet = opened.sheet
        if sheet is None or not sheet.shows(matte):
            sheet = opened.sheet = Sheet(opened.picture, matte)
        return sheet

    def _render(self, task: Render, progress: Progress) -> None:
        opened = self._open(task.recipe)
        if task.layer == "trimap":
            sheet = Sheet(opened.picture, trimap=self._trimap(opened, task.recipe))
        elif task.layer == "picture":
            sheet = opened.sheet = opened.sheet or Sheet(opened.picture)
        else:
            sheet = self._sheet(opened, task.recipe, progress)
        write_layer(sheet, task, max_pixels=self._limits.pixels)

    def _once(self, task: Once, progress: Progress) -> MatteFacts:
        recipe = task.render.recipe
        picture = self._read(recipe.picture)
        trimap = read_guide(task.guide, picture, max_pixels=self._limits.pixels)
        options = recipe.options
        with self._turn(progress):
            matte = self._model(options.weights, tta=options.tta)(
                picture,
                trimap,
                foreground="none" if task.render.layer == "alpha" else options.foreground,
                refine=options.refine,
                progress=progress,
            )
        write_layer(Sheet(picture, matte), task.render, max_pixels=self._limits.pixels)
        notes = tuple(map(str, matte.notes))
        return MatteFacts(
            seconds=dict(matte.seconds),
            notes=notes,
            changed=None,
            subject=None,
            pixels=matte.alpha.size,
        )

    def _clean(self, task: CleanColours) -> None:
        from lsamatting.foreground.estimate import estimate_foreground
        from lsamatting.images import read_grey, write_picture
        from lsamatting.picture_files import best_depth

        picture = self._read(task.picture)
        alpha, _ = read_grey(task.alpha.path, max_pixels=self._limits.pixels)
        if alpha.shape != picture.samples.shape[:2]:
            raise TrimapError(
                f"{task.alpha.name} is {alpha.shape[1]}x{alpha.shape[0]} pixels but"
                f" {task.picture.name} is {picture.size[0]}x{picture.size[1]}; they must be equal"
            )
        write_picture(
            task.target,
            estimate_foreground(picture.samples, alpha, method=task.method),
            alpha=alpha if task.layer == "cutout" else None,
            depth=task.depth or best_depth(task.target, picture.depth),
            linear=picture.linear,
        )


def _follow(engine: Session, followed: list[BrushStroke], wanted: list[BrushStroke]) -> None:
    """Bring an engine's strokes to those wanted, keeping what they have in common."""
    common = 0
    while common < min(len(followed), len(wanted)) and followed[common] == wanted[common]:
        common += 1
    for _ in range(len(followed) - common):
        engine.undo_stroke()
        followed.pop()
    for stroke in wanted[common:]:
        width, height = engine.trimap.size
        engine.stroke(stroke.mask(height, width), stroke.opacity)
        followed.append(stroke)


def _trimap_facts(trimap: Trimap) -> TrimapFacts:
    return TrimapFacts(
        background=trimap.counts.background,
        unknown=trimap.counts.unknown,
        foreground=trimap.counts.foreground,
        warnings=tuple(map(str, trimap.warnings)),
    )


def _bounds(mask: NDArray[Any]) -> Window | None:
    from lsamatting.windows import window_around

    found = window_around(mask, 0)
    if found is None:
        return None
    rows, columns = found
    return (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


def _seen_pixels(trimap: Trimap) -> int:
    from lsamatting.windows import window_around

    window = window_around(trimap.unknown, MARGIN)
    return 0 if window is None else int(trimap.values[window].size)
