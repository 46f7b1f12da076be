"""Writing a dataset of rendered mattes: resumable, the same every time."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from lsamatting.data.held_out import Part
from lsamatting.data.layout import enumerate_some
from lsamatting.data.progress import progress_bar
from lsamatting.data.recipes import keep_recipe
from lsamatting.data.rendering.develop import develop
from lsamatting.data.rendering.renderer import Blender, RenderingError
from lsamatting.data.rendering.scene import View, write_scene
from lsamatting.data.rendering.subject import Subject
from lsamatting.data.rendering.views import draw_view
from lsamatting.data.synthesis.photos import Photos
from lsamatting.data.synthesis.sheet import contact_sheet
from lsamatting.data.writing import to_bytes, write_bytes
from lsamatting.errors import ConfigError, DatasetError

# Changes whenever the same seed gives other pictures.
VERSION = 2
VIEWS = 4
"""Pictures of one scene: growing hair takes long, another camera and other light take nothing."""

KINDS: dict[str, float] = {
    "hair": 4,
    "fur": 4,
    "feathers": 1.5,
    "grass": 1.5,
    "twigs": 2,
    "glass": 1.5,
}
"""Kinds, each a module of this package whose `build` makes a subject, and how often they come."""

_SHEET_ITEMS = 48


class Build(Protocol):
    """What every kind's module offers under the name `build`."""

    def __call__(self, rng: np.random.Generator) -> Subject:
        """Build a scene."""
        ...


@dataclass(frozen=True)
class Recipe:
    """Everything that item i of a dataset depends on, beside i."""

    seed: int
    photos: tuple[Path, ...]
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(KINDS))
    part: Part = "all"


def render_dataset(
    out: Path,
    *,
    count: int,
    seed: int,
    photos: list[Path],
    kinds: list[str] | None = None,
    part: Part = "all",
    python: Path | None = None,
    threads: int | None = None,
    progress: bool = True,
    renderer: Callable[[Path], None] | None = None,
) -> int:
    """Write `count` rendered mattes to `out`.

    out/fg/NNNNNN_kind.png (RGB, defined everywhere), out/alpha/NNNNNN_kind.png (grey), 8 bit, as
    `synthesize_dataset` writes them; out/contact_sheet.jpg; out/dataset.json with the recipe. Item
    i depends on the recipe and on i only. Finished files are kept, so a broken run resumes and a
    larger count adds.

    Parameters
    ----------
    out
        Folder of the dataset.
    count
        Number of mattes.
    seed
        The same seed gives the same dataset.
    photos
        Folders of photographs, for light.
    kinds
        Names out of KINDS, all by default.
    part
        Take only photographs to train on, or only those that are held out.
    python
        An interpreter that has bpy, by default this one.
    threads
        Of the renderer, by default one per processor.
    progress
        Show a progress bar.
    renderer
        In place of Blender: given a folder as `write_scene` makes it, it adds NAME.npy for each
        view, as `blender` describes.

    Returns
    -------
    int
        How many were made now.

    Raises
    ------
    ConfigError
        An unknown kind or a count below 1.
    MissingExtraError
        There is no bpy.
    DatasetError
        Unusable folders, a dataset of another recipe, or scenes that could not be rendered; all
        others are there then.
    """
    if count < 1:
        raise ConfigError(f"count is {count}: at least 1 matte is wanted")
    chosen = tuple(KINDS) if kinds is None else tuple(kinds)
    for name in chosen:
        if name not in KINDS:
            raise ConfigError(f"unknown kind of matte '{name}' (accepted: {', '.join(KINDS)})")
    recipe = Recipe(seed, tuple(photos), chosen, part)
    sources = Photos(recipe.photos, part=part)
    if renderer is None:
        renderer = Blender(python, threads)
        renderer.check()
    keep_recipe(out, _described(recipe, sources), count=count)
    missing = [index for index in range(count) if not _finished(out, recipe, index)]
    scenes = sorted({index // VIEWS for index in missing})
    failed: dict[int, str] = {}
    with progress_bar("rendered mattes", len(missing), shown=progress) as advance:
        for scene in scenes:
            wanted = [index for index in missing if index // VIEWS == scene]
            try:
                _render_scene(out, recipe, scene, wanted, sources, renderer, advance)
            except RenderingError as error:
                failed[scene] = str(error)
    if failed:
        reason = next(iter(failed.values()))
        named = enumerate_some([str(number) for number in failed])
        raise DatasetError(f"{out}: scenes {named} are missing ({reason}); run again to try again")
    _write_sheet(out, recipe, count, sources)
    return len(missing)


def kind_of(recipe: Recipe, index: int) -> str:
    """Name of the kind that item `index`, and all of its scene, is of."""
    rng = np.random.default_rng([recipe.seed, index // VIEWS, 0])
    weights = np.array([KINDS[name] for name in recipe.kinds], dtype=np.float64)
    return recipe.kinds[int(rng.choice(len(weights), p=weights / weights.sum()))]


def build_subject(recipe: Recipe, scene: int) -> Subject:
    """Build scene number `scene`."""
    module = importlib.import_module(f"{__package__}.{kind_of(recipe, scene * VIEWS)}")
    build: Build = module.build
    return build(np.random.default_rng([recipe.seed, scene, 1]))


def view_of(recipe: Recipe, index: int, subject: Subject, photos: Photos) -> View:
    """Choose how item `index` sees its scene's subject."""
    rng = np.random.default_rng([recipe.seed, index, 2])
    return draw_view(rng, subject, photos, seed=index)


def _render_scene(
    out: Path,
    recipe: Recipe,
    scene: int,
    wanted: list[int],
    photos: Photos,
    renderer: Callable[[Path], None],
    advance: Callable[[], None],
) -> None:
    subject = build_subject(recipe, scene)
    views = {f"{index:06d}": view_of(recipe, index, subject, photos) for index in wanted}
    with tempfile.TemporaryDirectory(prefix="lsamatting-") as name:
        folder = Path(name)
        write_scene(folder, subject.scene, views)
        renderer(folder)
        for index in wanted:
            rendered = np.load(folder / f"{index:06d}.npy", allow_pickle=False)
            cutout = develop(np.random.default_rng([recipe.seed, index, 3]), rendered)
            foreground_path, alpha_path = _item_paths(out, recipe, index)
            write_bytes(foreground_path, to_bytes(cutout.foreground))
            write_bytes(alpha_path, to_bytes(cutout.alpha))
            advance()


def _item_paths(out: Path, recipe: Recipe, index: int) -> tuple[Path, Path]:
    name = f"{index:06d}_{kind_of(recipe, index)}.png"
    return out / "fg" / name, out / "alpha" / name


def _finished(out: Path, recipe: Recipe, index: int) -> bool:
    return all(path.exists() for path in _item_paths(out, recipe, index))


def _described(recipe: Recipe, photos: Photos) -> dict[str, object]:
    return {
        "version": VERSION,
        "seed": recipe.seed,
        "kinds": {name: KINDS[name] for name in recipe.kinds},
        "photos": [str(folder) for folder in recipe.photos],
        "photo_files": len(photos),
        "part": recipe.part,
    }


def _write_sheet(out: Path, recipe: Recipe, count: int, photos: Photos) -> None:
    """Contact sheet of items spread over the dataset, each before another photograph."""
    shown = np.unique(np.linspace(0, count - 1, min(count, _SHEET_ITEMS)).astype(np.intp))
    order = np.random.default_rng([recipe.seed, 4]).permutation(len(photos))
    items = [
        (*_item_paths(out, recipe, int(index)), photos.files[order[n % len(order)]])
        for n, index in enumerate(shown)
    ]
    write_bytes(out / "contact_sheet.jpg", contact_sheet(items))
