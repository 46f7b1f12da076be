"""What augmentation does how often: probabilities and ranges, the paper's by default."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from lsamatting.data.wide_trimaps import WideTrimaps
from lsamatting.errors import ConfigError


@dataclass(frozen=True)
class Realism:
    """Steps beyond the paper that make composites look more like photographs; all off by default.

    Fields that are not ranges are probabilities.
    """

    edge_centre: float = 0.0
    """Centre the crop on a pixel with 0 < α < 1 rather than α > 0, where there is one."""

    keep_inside: float = 0.0
    """Shift the crop so that the foreground's picture fills it as far as it can: subjects that the
    picture cuts off then leave the crop too, instead of ending in a straight edge inside."""

    tone: float = 0.0
    """Change exposure, white balance and gamma of F, and of B, each by itself."""

    defocus: float = 0.0
    """Blur B by a lens (a disk) or a Gaussian of random strength."""

    defocus_radius: tuple[float, float] = (0.01, 0.06)
    """Radius of that blur in parts of h."""

    soften: float = 0.0
    """Put the subject out of focus, or let it move: edges are soft then."""

    soften_radius: tuple[float, float] = (0.005, 0.08)
    """Radius of that blur in parts of h, and half the way that the subject moves."""

    smoother_background: float = 0.0
    """Take the least busy of three random photographs."""

    background_side: tuple[float, float] | None = None
    """Sides of B's crop in parts of h, where they shall differ from the foreground's."""

    harmonise: float = 0.0
    """Shift B's mean colour towards F's along the edge of the subject."""

    camouflage: float = 0.0
    """Give B the subject's colours: their mean, contrast and the way channels go together."""

    rim_light: float = 0.0
    """Light F along the subject's edge, as a lamp or the sun behind it does: body and fur, or
    hair, then differ in colour."""

    light: float = 0.0
    """Mix F and B as a lens does: their light, rather than the numbers of a file."""

    light_exponent: tuple[float, float] = (1.0, 2.2)
    """From numbers to light, drawn evenly: 2.2 is a display's, and cameras' curves differ."""

    noise: float = 0.0
    """Add sensor noise to the composite."""

    noise_sigma: tuple[float, float] = (0.003, 0.03)
    """Its standard deviation at mid-grey."""

    jpeg: float = 0.0
    """Compress the composite."""

    jpeg_quality: tuple[int, int] = (50, 95)
    """Range of the compression's quality."""

    soft_trimap: float = 0.0
    """Make the trimap from α > 0.05 and α < 0.95, as a user would, so that known pixels may be
    slightly translucent, and hide a few more pixels towards both sides as usual."""


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities and ranges of the augmentation; the defaults are the paper's."""

    rotate: float = 0.5
    """Probability to rotate (F, α), and B, by independent angles."""

    crop_side: tuple[float, float] = (0.75, 1.25)
    """Range of the crop's side in parts of h, the height of a sample."""

    flip: float = 0.5
    """Probability of each flip."""

    gamma: float = 0.3
    """Probability to replace α by α^γ or 1 − (1 − α)^γ, γ ~ U[0.5, 1.5]."""

    invert: float = 0.3
    """Probability of F → 1 − F."""

    permute: float = 0.3
    """Probability to permute F's channels."""

    colour: float = 1.0
    """Probability of the colour augmentation wF + (1 − w)u. The authors' code has 0.3."""

    colour_per_channel: bool = False
    """Draw w for each channel, as the authors' code does, rather than once."""

    trimap_distance: tuple[float, float] = (1.0, 24.0)
    """Range of the unknown band's growth in px, drawn separately for either side."""

    trimap_even: float = 0.0
    """Probability that both sides grow alike, as around a mask's contour."""

    blur: float = 0.0
    """Probability of blurring F and B; 0.3 for the AlphaMatting model."""

    realism: Realism = field(default_factory=Realism)
    """Steps beyond the paper."""

    wide: WideTrimaps = field(default_factory=WideTrimaps)
    """Trimaps beyond the paper's."""

    def __post_init__(self) -> None:
        for owner in (self, self.realism, self.wide):
            for option in fields(owner):
                value = getattr(owner, option.name)
                if isinstance(value, float) and not 0 <= value <= 1:
                    raise ConfigError(f"{option.name} is a probability, found {value}")
                if isinstance(value, tuple) and not 0 <= value[0] <= value[1]:
                    raise ConfigError(f"{option.name} must be a rising range, found {value}")
                if option.name == "crop_side" and value is not None and value[0] == 0:
                    raise ConfigError(f"crop_side must be positive, found {value}")
