"""From the options of `matte` and `batch` to what is done with every picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsamatting.budget import parse_memory
from lsamatting.choices import trimap_thresholds
from lsamatting.cli.techniques import averaging, refine_options
from lsamatting.errors import ConfigError

if TYPE_CHECKING:
    from lsamatting.batch.recipe import Recipe
    from lsamatting.choices import (
        Boundary,
        Depth,
        ForegroundMethod,
        Optimiser,
        Padding,
        Precision,
        RuntimeName,
    )


def recipe_of(
    *,
    weights: str,
    runtime: RuntimeName,
    device: str,
    padding: Padding,
    precision: Precision | None,
    memory: str | None,
    boundary: Boundary | None,
    refine: bool,
    refine_steps: int | None,
    refine_rate: float | None,
    refine_optimiser: Optimiser | None,
    tta: bool,
    tta_scales: str | None,
    tta_symmetries: int | None,
    foreground_method: ForegroundMethod,
    on: str | None,
    erode: int | None,
    dilate: int | None,
    background_below: int | None,
    foreground_above: int | None,
    linear: bool | None,
    layer: str | None,
    own_opacity: bool,
    metadata: bool,
    depth: Depth | None,
    quality: int | None,
    max_pixels: int | None,
) -> Recipe:
    """Give the recipe that options ask for; they are those of the command line, by their names.

    Raises
    ------
    ConfigError
        An option is out of range, or goes with another that is not there.
    """
    refining = refine_options(
        refine,
        steps=refine_steps,
        rate=refine_rate,
        optimiser=refine_optimiser,
        boundary=boundary,
        padding=padding,
    )
    allowed = None if memory is None else parse_memory(memory)
    averaged = averaging(tta, scales=tta_scales, symmetries=tta_symmetries)

    from lsamatting.batch.recipe import OVERLAY_COLOUR, Guide, Model, Reading, Recipe
    from lsamatting.compositing.backdrop import read_backdrop
    from lsamatting.images import DEFAULT_MAX_PIXELS

    limit = max_pixels or DEFAULT_MAX_PIXELS
    given = {"background_below": background_below, "foreground_above": foreground_above}
    return Recipe(
        model=Model(
            weights,
            device,
            runtime,
            padding=padding,
            boundary=boundary or "paper",
            tta=averaged,
            precision=precision,
            memory=allowed,
        ),
        guide=Guide(
            limit,
            erode=erode,
            dilate=dilate,
            thresholds={
                **trimap_thresholds(padding),
                **{name: value for name, value in given.items() if value is not None},
            },
        ),
        reading=Reading(
            limit,
            transfer=None if linear is None else "linear" if linear else "gamma",
            layer=layer,
            opacity=own_opacity,
            metadata=metadata,
        ),
        backdrop=OVERLAY_COLOUR if on is None else read_backdrop(on, max_pixels=limit),
        foreground_method=foreground_method,
        refine=refining or False,
        depth=depth,
        quality=quality,
    )


def check_guide_options(
    *,
    masks: bool,
    trimaps: bool,
    erode: int | None,
    dilate: int | None,
    background_below: int | None,
    foreground_above: int | None,
) -> None:
    """Refuse options of guides that are not there.

    Raises
    ------
    ConfigError
        Of masks without any, or of trimaps without any.
    """
    if not masks and (erode is not None or dilate is not None):
        raise ConfigError("--erode and --dilate go with --mask; a trimap is taken as it is")
    if not trimaps and (background_below is not None or foreground_above is not None):
        raise ConfigError("--background-below and --foreground-above go with a trimap, not --mask")
