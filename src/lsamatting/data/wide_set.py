"""A test set of wide trimaps: composites of foregrounds that are never trained on.

Every picture and every foreground in it is held out by its name (`lsamatting.data.held_out`), and
procedural foregrounds take their texture from photographs that are. Composites are training samples
of a photograph's size, by the same augmentation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from lsamatting.data.augment import Sample, augment
from lsamatting.data.augment_config import AugmentConfig, Realism
from lsamatting.data.cache import (
    DecodedBackground,
    DecodedCutout,
    decode_background,
    decode_cutout,
    some_points,
)
from lsamatting.data.layout import AimFolder
from lsamatting.data.synthesis.dataset import KINDS, render_kind
from lsamatting.data.synthesis.photos import Photos, find_pictures
from lsamatting.data.wide_trimaps import WideTrimaps
from lsamatting.data.writing import to_bytes, write_bytes, write_content
from lsamatting.errors import ConfigError, DatasetError
from lsamatting.formats.size import header_size
from lsamatting.images import DEFAULT_MAX_PIXELS

_Item = TypeVar("_Item")

VERSION = 2
"""Changes whenever the same seed gives other pictures."""

_SMALLEST, _LARGEST = 800, 1600
_PROCEDURAL_SIDES = 800, 1300
_LARGE_BACKGROUND = 700
"""From this shorter side on a photograph is preferred where the composite is large."""
_MOST_ENLARGED, _MOST_ENLARGED_BACKGROUND = 1.6, 2.4
_NARROWEST = 0.67
_LEAST_BACKGROUND, _ATTEMPTS = 0.02, 20
"""Part of the picture that is known background, and how often a composite is drawn anew for it."""

AUGMENTATION = AugmentConfig(
    rotate=0.0,
    flip=0.0,
    gamma=0.0,
    invert=0.0,
    permute=0.0,
    colour=0.0,
    realism=Realism(
        edge_centre=1.0,
        keep_inside=1.0,
        tone=0.5,
        defocus=0.5,
        defocus_radius=(0.002, 0.02),
        harmonise=0.4,
        rim_light=0.1,
        light=1.0,
        noise=0.5,
        noise_sigma=(0.003, 0.015),
        jpeg=0.3,
        jpeg_quality=(75, 95),
        soft_trimap=0.5,
    ),
    wide=WideTrimaps(
        bands=0.5,
        band_distance=(5.0, 150.0),
        painted=0.5,
        brush_radius=(15.0, 80.0),
        blots=0.4,
        blot_radius=(40.0, 150.0),
        whole=0.05,
        translucent=0.15,
        crop_side=(1.0, 1.0),
    ),
)


@dataclass(frozen=True)
class WideSet:
    """What a set is made of.

    Attributes
    ----------
    seed
        Chooses everything random.
    photos
        Folders of photographs; those that are held out are backgrounds and texture.
    foregrounds
        Folders with `fg/` and `alpha/`; their held-out pairs take turns with procedural ones, each
        once.
    kinds
        Kinds of procedural foregrounds, in turn.
    """

    seed: int
    photos: tuple[Path, ...]
    foregrounds: tuple[Path, ...] = ()
    kinds: tuple[str, ...] = tuple(KINDS)


class _Maker:
    """Makes the composites of one set; holds the lists of its pictures."""

    def __init__(self, recipe: WideSet) -> None:
        self.recipe = recipe
        self.photos = Photos(recipe.photos, part="held-out")
        files = find_pictures(recipe.photos, part="held-out")
        self.backgrounds = self._shuffled(files, 0)
        self.large = [file for file in self.backgrounds if _shorter_side(file) >= _LARGE_BACKGROUND]
        self.pairs = [
            self._shuffled(AimFolder(root, part="held-out").pairs, 1 + number)
            for number, root in enumerate(recipe.foregrounds)
        ]

    def _shuffled(self, items: Sequence[_Item], stream: int) -> list[_Item]:
        order = np.random.default_rng([self.recipe.seed, 0, stream]).permutation(len(items))
        return [items[place] for place in order]

    def make(self, index: int) -> tuple[str, Sample] | None:
        """Give composite `index` and what it shows; None if its foreground fills every picture."""
        source, turn = self._source(index)
        for attempt in range(_ATTEMPTS):
            rng = np.random.default_rng([self.recipe.seed, 1, index, attempt])
            if source < 0:
                what = self.recipe.kinds[turn % len(self.recipe.kinds)]
                cutout = self._procedural(rng, what)
            else:
                what = self.recipe.foregrounds[source].name
                cutout = decode_cutout(*self.pairs[source][turn])
            sample = self._composite(rng, cutout)
            # Without any known background there is no question to answer.
            if (sample.trimap == 0).mean() >= _LEAST_BACKGROUND:
                return what, sample
        return None

    def _source(self, index: int) -> tuple[int, int]:
        """Give the number of composite `index`'s folder, -1 if procedural, and its turn there.

        Sources take turns until they are used up.
        """
        taken = dict.fromkeys(range(-1, len(self.pairs)), 0)
        while True:
            for source, turn in taken.items():
                if source >= 0 and turn >= len(self.pairs[source]):
                    continue
                if not index:
                    return source, turn
                index -= 1
                taken[source] += 1

    def _composite(self, rng: np.random.Generator, cutout: DecodedCutout) -> Sample:
        background = self._background(rng)
        bound = min(
            _LARGEST,
            _MOST_ENLARGED * min(cutout.alpha.shape),
            _MOST_ENLARGED_BACKGROUND * min(background.picture.shape[:2]),
        )
        size = round(rng.uniform(_SMALLEST, max(bound, _SMALLEST)))
        return _cut_down(rng, augment(rng, cutout, background, size, AUGMENTATION, wide=True))

    def _procedural(self, rng: np.random.Generator, kind: str) -> DecodedCutout:
        height, width = (int(side) for side in rng.integers(*_PROCEDURAL_SIDES, 2))
        item = render_kind(kind, rng, (height, width), self.photos)
        alpha = to_bytes(item.alpha)
        visible, edge = some_points(alpha > 0), some_points((alpha > 0) & (alpha < 255))
        if not len(visible):
            raise DatasetError(f"a foreground of the kind '{kind}' is empty; take another seed")
        return DecodedCutout(to_bytes(item.foreground), alpha, visible, edge)

    def _background(self, rng: np.random.Generator) -> DecodedBackground:
        files = self.large if self.large and rng.random() < 0.5 else self.backgrounds
        return decode_background(files[int(rng.integers(len(files)))])


def _cut_down(rng: np.random.Generator, sample: Sample) -> Sample:
    """Cut the square sample to a photograph's proportion, upright or lying."""
    size = sample.alpha.shape[0]
    side = round(size * rng.uniform(_NARROWEST, 1))
    start = int(rng.integers(size - side + 1))
    window = (slice(start, start + side), slice(None))
    window = window if rng.random() < 0.6 else window[::-1]
    return Sample(
        sample.image[window],
        sample.trimap[window],
        sample.alpha[window],
        sample.foreground[window],
        sample.background[window],
    )


def _shorter_side(file: Path) -> int:
    return min(header_size(file, max_pixels=DEFAULT_MAX_PIXELS))


def make_wide_set(out: Path, recipe: WideSet, *, count: int) -> int:
    """Write `count` composites to `out`: image/, alpha/ and trimap/, as `evaluate` reads them.

    Composite i depends on the recipe, the pictures in its folders, and i. One is left out if its
    foreground leaves no known background wherever it is put. Finished ones are kept; returns how
    many were made.

    Raises
    ------
    ConfigError
        `count` is below 1, or a kind is unknown.
    DatasetError
        A folder is unusable or holds nothing that is held out, or `out` holds another set.
    """
    if count < 1:
        raise ConfigError(f"count is {count}: at least 1 composite is wanted")
    for kind in recipe.kinds:
        if kind not in KINDS:
            raise ConfigError(f"unknown kind of matte '{kind}' (accepted: {', '.join(KINDS)})")
    maker = _Maker(recipe)
    _describe(out, recipe, maker)
    made = 0
    for index in range(count):
        if any((out / "trimap").glob(f"{index:03d}_*.png")):
            continue
        composite = maker.make(index)
        if composite is None:
            continue
        what, sample = composite
        name = f"{index:03d}_{what}.png"
        # The trimap last: it says that the others are there.
        write_bytes(out / "image" / name, to_bytes(sample.image))
        write_bytes(out / "alpha" / name, to_bytes(sample.alpha))
        write_bytes(out / "trimap" / name, sample.trimap)
        made += 1
    return made


def _describe(out: Path, recipe: WideSet, maker: _Maker) -> None:
    """Write the recipe, or check that what is there is of the same one."""
    described = {
        "version": VERSION,
        "seed": recipe.seed,
        "kinds": list(recipe.kinds),
        "photos": [str(folder) for folder in recipe.photos],
        "foregrounds": {
            str(folder): sorted(foreground.stem for foreground, _ in pairs)
            for folder, pairs in zip(recipe.foregrounds, maker.pairs, strict=True)
        },
        "backgrounds": sorted(file.stem for file in maker.backgrounds),
    }
    path = out / "wide.json"
    if not path.exists():
        write_content(path, (json.dumps(described, indent=1) + "\n").encode())
        return
    try:
        found = json.loads(path.read_text())
    except ValueError:
        found = None
    for key, wanted in described.items():
        if not isinstance(found, dict) or found.get(key) != wanted:
            raise DatasetError(f"{path}: made with other {key}: choose another folder")
