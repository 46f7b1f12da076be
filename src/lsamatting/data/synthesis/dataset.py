"""Writing a whole dataset of procedural mattes: in parallel, resumable, the same every time."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lsamatting.data.held_out import Part
from lsamatting.data.progress import progress_bar
from lsamatting.data.recipes import keep_recipe
from lsamatting.data.synthesis.cutout import Cutout
from lsamatting.data.synthesis.own_cutouts import OwnCutouts
from lsamatting.data.synthesis.photos import Photos, read_rgb
from lsamatting.data.synthesis.sheet import contact_sheet
from lsamatting.data.writing import to_bytes, write_bytes
from lsamatting.errors import ConfigError, DatasetError
from lsamatting.processes import in_processes, worker_count
from lsamatting.replacing import is_whole

Bytes = NDArray[np.uint8]

# Changes whenever the same seed gives other pictures.
VERSION = 2
SHORTEST_SIDE, LONGEST_SIDE = 512, 800
_BACKGROUND_SIDE = 1200
_SHEET_ITEMS = 48


@dataclass(frozen=True)
class Kind:
    """A kind of matte: the module of this package whose `render` draws it, and how often."""

    module: str
    weight: float


# Modules are imported when first drawn from. Fur and hair are what matting is for: they dominate.
KINDS: dict[str, Kind] = {
    "fur": Kind("fur", 10),
    "hair": Kind("hair", 5),
    "feathers": Kind("feathers", 1.2),
    "solids": Kind("solids", 4),
    "motion": Kind("motion", 1.2),
    "leaves": Kind("leaves", 1.5),
    "combination": Kind("combination", 1.6),
    "smoke": Kind("smoke", 0.6),
    "nets": Kind("nets", 0.7),
    "glass": Kind("glass", 0.6),
    "lettering": Kind("lettering", 0.6),
    "marked": Kind("marked", 3),
    "flags": Kind("flags", 1.4),
    "thicket": Kind("thicket", 1.5),
}

# Share of items made from the user's cutouts, if any are given; named as the only kind, all.
CUTOUT_KIND, CUTOUT_SHARE = "cutout", 0.08


class Render(Protocol):
    """What every kind's module offers under the name `render`."""

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int], photos: Photos) -> Cutout:
        """Draw one matte of the given (height, width)."""
        ...


@dataclass(frozen=True)
class Recipe:
    """Everything that item i of a dataset depends on, beside i."""

    seed: int
    photos: tuple[Path, ...]
    cutouts: tuple[Path, ...] = ()
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(KINDS))
    part: Part = "all"


def synthesize_dataset(
    out: Path,
    *,
    count: int,
    seed: int,
    photos: list[Path],
    cutouts: list[Path] | None = None,
    workers: int | None = None,
    kinds: list[str] | None = None,
    part: Part = "all",
    progress: bool = True,
) -> None:
    """Write `count` mattes and their backgrounds to `out`, in the layout of the AIM dataset.

    out/fg/NNNNNN_kind.png (RGB, defined everywhere), out/alpha/NNNNNN_kind.png (grey), 8 bit;
    out/bg/NNNNNN.jpg, one per matte up to the number of photographs; out/contact_sheet.jpg;
    out/dataset.json with the recipe. Item i depends on the recipe and on i only: not on count,
    workers or order, but for a rounding where sums depend on the number of threads. Finished files
    are kept, so a broken run resumes and a larger count adds.

    photos: folders of photographs, for texture, colours and backgrounds. cutouts: folders of RGBA
    pictures to be used as items too. workers: processes, all cores by default. kinds: names out of
    KINDS, all by default; with cutouts also "cutout", which alone makes nothing else. part: take
    only photographs and cutouts to train on, or only those that
    are held out (lsamatting.data.held_out). progress: show a progress bar.
    Raises ConfigError for an unknown kind or a count or worker number below 1; DatasetError for
    unusable folders, or if `out` holds a dataset of another recipe.
    """
    if count < 1:
        raise ConfigError(f"count is {count}: at least 1 matte is wanted")
    workers = worker_count(workers)
    chosen = tuple(KINDS) if kinds is None else tuple(kinds)
    accepted = (*KINDS, CUTOUT_KIND) if cutouts else tuple(KINDS)
    for name in chosen:
        if name not in accepted:
            raise ConfigError(f"unknown kind of matte '{name}' (accepted: {', '.join(accepted)})")
    if not chosen:
        raise ConfigError(f"no kind of matte given (accepted: {', '.join(accepted)})")
    recipe = Recipe(seed, tuple(photos), tuple(cutouts or ()), chosen, part)
    sources = Photos(recipe.photos, part=part)
    if recipe.cutouts:
        OwnCutouts(recipe.cutouts, part=part).check()  # before anything is written
    _prepare(out, recipe, sources, count)
    backgrounds = min(count, len(sources))
    jobs = [i for i in range(count) if not _finished(out, recipe, i)]
    jobs += [-1 - i for i in range(backgrounds) if not is_whole(_background_path(out, i))]
    with (
        progress_bar("mattes and backgrounds", len(jobs), shown=progress) as advance,
        in_processes(partial(_do, out, recipe), jobs, workers=workers) as results,
    ):
        for _ in results:
            advance()
    _painter.cache_clear()
    _write_sheet(out, recipe, count, backgrounds)


def kind_of(recipe: Recipe, index: int) -> str:
    """Name of the kind that item `index` is of."""
    rng = np.random.default_rng([recipe.seed, index, 0])
    drawn = [name for name in recipe.kinds if name != CUTOUT_KIND]
    if recipe.cutouts and (not drawn or rng.random() < CUTOUT_SHARE):
        return CUTOUT_KIND
    weights = np.array([KINDS[name].weight for name in drawn])
    return drawn[int(rng.choice(len(weights), p=weights / weights.sum()))]


def render_kind(
    name: str, rng: np.random.Generator, shape: tuple[int, int], photos: Photos
) -> Cutout:
    """Draw one matte of the kind `name` and of the given (height, width)."""
    module = importlib.import_module(f"{__package__}.{KINDS[name].module}")
    render: Render = module.render
    return render(rng, shape, photos)


class Painter:
    """Makes the items of one recipe; holds the photographs that are decoded."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.photos = Photos(recipe.photos, part=recipe.part)
        self.cutouts = OwnCutouts(recipe.cutouts, part=recipe.part) if recipe.cutouts else None

    def item(self, index: int) -> Cutout:
        """Item `index` of the dataset."""
        name = kind_of(self.recipe, index)
        rng = np.random.default_rng([self.recipe.seed, index, 1])
        height, width = rng.integers(SHORTEST_SIDE, LONGEST_SIDE, size=2, endpoint=True)
        shape = (int(height), int(width))
        if name == CUTOUT_KIND and self.cutouts is not None:
            return self.cutouts.render(rng, shape)
        return render_kind(name, rng, shape, self.photos)

    def background(self, index: int) -> Bytes:
        """Photograph `index` of the recipe's own random order, at most 1200 px long, RGB uint8."""
        order = np.random.default_rng([self.recipe.seed, 2]).permutation(len(self.photos))
        return read_rgb(self.photos.files[order[index]], max_side=_BACKGROUND_SIDE)


def _item_paths(out: Path, recipe: Recipe, index: int) -> tuple[Path, Path]:
    name = f"{index:06d}_{kind_of(recipe, index)}.png"
    return out / "fg" / name, out / "alpha" / name


def _background_path(out: Path, index: int) -> Path:
    return out / "bg" / f"{index:06d}.jpg"


def _finished(out: Path, recipe: Recipe, index: int) -> bool:
    return all(is_whole(path) for path in _item_paths(out, recipe, index))


def _prepare(out: Path, recipe: Recipe, photos: Photos, count: int) -> None:
    """Make the folders and dataset.json, or check that what is there is of the same recipe."""
    described = {
        "version": VERSION,
        "seed": recipe.seed,
        "kinds": {
            name: CUTOUT_SHARE if name == CUTOUT_KIND else KINDS[name].weight
            for name in recipe.kinds
        },
        "photos": [str(folder) for folder in recipe.photos],
        "photo_files": len(photos),
        "cutouts": [str(folder) for folder in recipe.cutouts],
        "part": recipe.part,
    }
    try:
        for folder in ("fg", "alpha", "bg"):
            (out / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(f"{out}: cannot make the folder ({error.strerror})") from None
    keep_recipe(out, described, count=count)


# One for each process: photographs that are decoded stay.
_painter = lru_cache(maxsize=1)(Painter)


def _do(out: Path, recipe: Recipe, job: int) -> None:
    """Write one file or two: item `job`, or background -1 - `job` where that is negative."""
    painter = _painter(recipe)
    if job < 0:
        path = _background_path(out, -1 - job)
        write_bytes(path, painter.background(-1 - job))
        return
    item = painter.item(job)
    foreground_path, alpha_path = _item_paths(out, recipe, job)
    write_bytes(foreground_path, to_bytes(item.foreground))
    write_bytes(alpha_path, to_bytes(item.alpha))


def _write_sheet(out: Path, recipe: Recipe, count: int, backgrounds: int) -> None:
    """Contact sheet of items of every kind in turn, each on another background."""
    by_kind: dict[str, list[int]] = {}
    for index in range(count):
        by_kind.setdefault(kind_of(recipe, index), []).append(index)
    turns = sorted(
        (turn, kind, index)
        for kind, members in by_kind.items()
        for turn, index in enumerate(members)
    )
    items = [
        (*_item_paths(out, recipe, index), _background_path(out, n % backgrounds))
        for n, (_, _, index) in enumerate(turns[:_SHEET_ITEMS])
    ]
    write_bytes(out / "contact_sheet.jpg", contact_sheet(items))
