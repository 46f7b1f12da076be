"""From the options of refinement and averaging to what they ask for; they depend on each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from lsamatting.errors import ConfigError

if TYPE_CHECKING:
    from lsamatting.choices import Boundary, Optimiser, Padding
    from lsamatting.inference.refinement.options import RefinementOptions
    from lsamatting.inference.symmetry import SymmetryCount
    from lsamatting.inference.tta import Averaging


def refine_options(
    wanted: bool,
    *,
    steps: int | None,
    rate: float | None,
    optimiser: Optimiser | None,
    boundary: Boundary | None,
    padding: Padding,
) -> RefinementOptions | None:
    """Give the options of refinement; None where it is not wanted.

    Raises
    ------
    ConfigError
        An option is out of range, or goes with another that is not there.
    """
    given = {
        "--refine-steps": steps,
        "--refine-rate": rate,
        "--refine-optimiser": optimiser,
        "--boundary": boundary,
    }
    if not wanted:
        lonely = [name for name, value in given.items() if value is not None]
        if lonely:
            raise ConfigError(f"{lonely[0]} goes with --refine")
        return None
    from lsamatting.inference.refinement.options import default_options

    default = default_options(padding, boundary or "paper", optimiser=optimiser)
    return replace(
        default,
        steps=default.steps if steps is None else steps,
        rate=default.rate if rate is None else rate,
        optimiser=default.optimiser if optimiser is None else optimiser,
    )


def averaging(wanted: bool, *, scales: str | None, symmetries: int | None) -> Averaging | None:
    """Give what is averaged; None where nothing is.

    Raises
    ------
    ConfigError
        An option is out of range, or goes with --tta, which is not there.
    """
    if not wanted:
        for name, value in (("--tta-scales", scales), ("--tta-symmetries", symmetries)):
            if value is not None:
                raise ConfigError(f"{name} goes with --tta")
        return None

    from lsamatting.inference.tta import Averaging

    default = Averaging()
    return Averaging(
        scales=default.scales if scales is None else _numbers(scales),
        # Averaging says which numbers there are.
        symmetries=default.symmetries if symmetries is None else cast("SymmetryCount", symmetries),
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--tta-scales {text!r}; accepted: numbers with commas between them, such as 0.8,1,1.25"
        ) from error
