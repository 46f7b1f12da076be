"""The options that say what is done with every picture, alike in `matte` and `batch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsamatting.budget import parse_memory
from lsamatting.choices import Transfer, trimap_thresholds
from lsamatting.cli.console import warn
from lsamatting.cli.options import (
    BackgroundBelowOption,
    BoundaryOption,
    CoarseToFineOption,
    DepthOption,
    DeviceOption,
    DilateOption,
    ErodeOption,
    ForegroundAboveOption,
    ForegroundMethodOption,
    LayerOption,
    LinearOption,
    MaxPixelsOption,
    MemoryOption,
    MetadataOption,
    OnOption,
    OwnOpacityOption,
    PaddingOption,
    PrecisionOption,
    QualityOption,
    RefineOptimiserOption,
    RefineOption,
    RefineRateOption,
    RefineStepsOption,
    RuntimeOption,
    TtaOption,
    TtaScalesOption,
    TtaSymmetriesOption,
    WeightsOption,
)
from lsamatting.cli.techniques import averaging, refine_options
from lsamatting.errors import ConfigError
from lsamatting.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from lsamatting.batch.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """What the command line says of every picture; fields are options by their names."""

    erode: ErodeOption = None
    dilate: DilateOption = None
    on: OnOption = None
    foreground_method: ForegroundMethodOption = "blur-fusion"
    refine: RefineOption = False
    refine_steps: RefineStepsOption = None
    refine_rate: RefineRateOption = None
    refine_optimiser: RefineOptimiserOption = None
    boundary: BoundaryOption = None
    tta: TtaOption = False
    tta_scales: TtaScalesOption = None
    tta_symmetries: TtaSymmetriesOption = None
    padding: PaddingOption = "window"
    precision: PrecisionOption = None
    coarse_to_fine: CoarseToFineOption = None
    memory: MemoryOption = None
    weights: WeightsOption = DEFAULT_WEIGHTS
    runtime: RuntimeOption = "auto"
    device: DeviceOption = "auto"
    depth: DepthOption = None
    background_below: BackgroundBelowOption = None
    foreground_above: ForegroundAboveOption = None
    linear: LinearOption = None
    layer: LayerOption = None
    own_opacity: OwnOpacityOption = True
    quality: QualityOption = None
    metadata: MetadataOption = True
    max_pixels: MaxPixelsOption = None

    def check_guides(self, *, masks: bool, trimaps: bool) -> None:
        """Refuse options of guides that are not there.

        Raises
        ------
        ConfigError
            Of masks without any, or of trimaps without any.
        """
        if not masks and (self.erode is not None or self.dilate is not None):
            raise ConfigError("--erode and --dilate go with --mask; a trimap is taken as it is")
        if not trimaps and (self.background_below is not None or self.foreground_above is not None):
            raise ConfigError(
                "--background-below and --foreground-above go with a trimap, not --mask"
            )

    def recipe(self) -> Recipe:
        """Give what they ask for.

        Raises
        ------
        ConfigError
            An option is out of range, or goes with another that is not there.
        """
        refining = refine_options(
            self.refine,
            steps=self.refine_steps,
            rate=self.refine_rate,
            optimiser=self.refine_optimiser,
            boundary=self.boundary,
            padding=self.padding,
        )
        allowed = None if self.memory is None else parse_memory(self.memory)
        averaged = averaging(self.tta, scales=self.tta_scales, symmetries=self.tta_symmetries)

        from lsamatting.batch.recipe import OVERLAY_COLOUR, Guide, Model, Reading, Recipe
        from lsamatting.compositing.backdrop import read_backdrop
        from lsamatting.images import DEFAULT_MAX_PIXELS

        limit = self.max_pixels or DEFAULT_MAX_PIXELS
        transfer: Transfer | None = (
            None if self.linear is None else "linear" if self.linear else "gamma"
        )
        given = {
            "background_below": self.background_below,
            "foreground_above": self.foreground_above,
        }
        return Recipe(
            model=Model(
                self.weights,
                self.device,
                self.runtime,
                padding=self.padding,
                boundary=self.boundary or "paper",
                tta=averaged,
                precision=self.precision,
                coarse_to_fine=self.coarse_to_fine,
                memory=allowed,
            ),
            guide=Guide(
                limit,
                erode=self.erode,
                dilate=self.dilate,
                thresholds={
                    **trimap_thresholds(self.padding),
                    **{name: value for name, value in given.items() if value is not None},
                },
            ),
            reading=Reading(
                limit,
                transfer=transfer,
                layer=self.layer,
                opacity=self.own_opacity,
                metadata=self.metadata,
            ),
            backdrop=OVERLAY_COLOUR
            if self.on is None
            else read_backdrop(self.on, max_pixels=limit, transfer=transfer, tell=warn),
            foreground_method=self.foreground_method,
            refine=refining or False,
            depth=self.depth,
            quality=self.quality,
        )
