"""The shape of a network, stated in one small frozen dataclass that is saved beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from lsamatting.errors import ConfigError
from lsamatting.network.efficientnet_stages import EFFICIENTNETS, tap_channels
from lsamatting.priors.channels import PRIOR_CHANNELS, channel_count

EncoderName = Literal["resnet-d", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"]
BlockName = Literal["bottleneck", "basic"]
HeadName = Literal["full", "subpixel"]
AttentionName = Literal["everywhere", "unknown"]

STRIDE = 32
"""Height and width of a network's input must be multiples of this."""


@dataclass(frozen=True)
class NetworkConfig:
    """Widths and switches of an `LSANet`.

    The defaults are the paper's model: a ResNet-50-D encoder over `[image, trimap]` (section 3).
    Use `NetworkConfig.preset` rather than filling this by hand.
    """

    encoder: EncoderName = "resnet-d"
    """`resnet-d`, of the widths and blocks stated below, or an EfficientNet-Lite, which has its own
    (`lsamatting.network.efficientnet_stages`) and comes with ImageNet weights."""

    stem_channels: tuple[int, int, int] = (32, 32, 64)
    """Outputs of the stem's three 3×3 convolutions; the last is the encoder's tap at stride 2."""

    stage_channels: tuple[int, int, int, int] = (256, 512, 1024, 2048)
    """Outputs of the four residual stages, the taps at strides 4, 8, 16 and 32."""

    stage_blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks in each stage."""

    block: BlockName = "bottleneck"
    """`bottleneck` (1×1, 3×3, 1×1 at a quarter of the width) or `basic` (3×3, 3×3)."""

    decoder_channels: tuple[int, int, int, int, int] = (512, 256, 128, 64, 64)
    """Outputs of decoder levels 5, 4, 3, 2 and 1, the coarsest first."""

    attention: AttentionName = "everywhere"
    """Where the decoder's channel attention takes its averages: over the whole window, as in the
    paper, or over its `unknown` pixels. The latter does not depend on how much known picture lies
    around them, so training on small crops carries over to whole pictures."""

    head: HeadName = "full"
    """`full` runs the head's convolutions at full resolution, as the paper does. `subpixel` runs
    them at stride 2 on 2×2 blocks of pixels, whose last convolution gives each block its four
    opacities: the same field of view at a third of the time."""

    head_channels: tuple[int, int] = (32, 32)
    """Outputs of the head's two hidden convolutions."""

    priors: tuple[str, ...] = ()
    """Colour priors that join the input, names of `lsamatting.priors.PRIOR_CHANNELS`."""

    base: str = ""
    """Name of a one-channel prior to which the network predicts a correction; empty: none."""

    correction: str = "everywhere"
    """Where the base is corrected: `everywhere` alike, or `near` what is known, and by a quarter
    where nothing known is within 64 px: samples of 192 px teach little about what lies there."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.priors if name not in PRIOR_CHANNELS]
        if unknown:
            raise ConfigError(
                f"unknown prior {unknown[0]!r}; accepted: {', '.join(PRIOR_CHANNELS)}"
            )
        opacities = [name.startswith("alpha_") for name in self.priors]
        if opacities != sorted(opacities, reverse=True):
            raise ConfigError(
                f"priors that are opacities (alpha_…) must come first, found {self.priors}"
            )
        if self.base and (self.base not in self.priors or PRIOR_CHANNELS[self.base] != 1):
            raise ConfigError(
                f"base {self.base!r} must be one of this network's one-channel priors: "
                f"{', '.join(name for name in self.priors if PRIOR_CHANNELS[name] == 1) or 'none'}"
            )
        if self.correction not in ("everywhere", "near"):
            raise ConfigError(f"correction {self.correction!r} is not one of everywhere, near")
        if self.correction == "near" and not (self.base and "distances" in self.priors):
            raise ConfigError("correction 'near' needs a base and the prior distances")
        if self.encoder not in get_args(EncoderName):
            raise ConfigError(
                f"encoder {self.encoder!r} is not one of {', '.join(get_args(EncoderName))}"
            )
        if self.block not in ("bottleneck", "basic"):
            raise ConfigError(f"block {self.block!r} is not one of bottleneck, basic")
        if self.head not in ("full", "subpixel"):
            raise ConfigError(f"head {self.head!r} is not one of full, subpixel")
        if self.attention not in ("everywhere", "unknown"):
            raise ConfigError(f"attention {self.attention!r} is not one of everywhere, unknown")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple) and any(isinstance(v, int) and v < 1 for v in value):
                raise ConfigError(f"{field.name} must be positive, found {value}")

    @classmethod
    def preset(cls, name: str) -> NetworkConfig:
        """Give a network by name.

        `paper` is the paper's model, a ResNet-50-D over image and trimap. `lite` and `base` read
        colour priors too and are those whose weights come with the package: the same design at
        1.1 and 9.9 million parameters.

        Raises
        ------
        ConfigError
            There is no such preset.
        """
        if name == "paper":
            return cls()
        if name not in ("lite", "base"):
            raise ConfigError(f"preset {name!r} is not one of paper, lite, base")
        lite = cls(
            stem_channels=(12, 12, 16),
            stage_channels=(32, 64, 96, 128),
            stage_blocks=(2, 2, 2, 1),
            block="basic",
            decoder_channels=(96, 80, 56, 32, 16),
            attention="unknown",
            head="subpixel",
            head_channels=(24, 16),
            priors=(
                "alpha_light",
                "alpha_closed_form",
                "alpha_mixture",
                "alpha_nearest",
                "alpha_smooth",
                "mixture_confidence",
                "nearest_foreground",
                "nearest_background",
                "smooth_foreground",
                "smooth_background",
                "distances",
            ),
            base="alpha_light",
            correction="near",
        )
        if name == "lite":
            return lite
        return replace(
            lite,
            stem_channels=(16, 16, 24),
            stage_channels=(48, 128, 224, 320),
            stage_blocks=(2, 3, 4, 2),
            decoder_channels=(224, 192, 128, 64, 24),
            head_channels=(32, 24),
        )

    @property
    def tap_channels(self) -> tuple[int, ...]:
        """Channels of the encoder's taps at strides 2, 4, 8, 16 and 32."""
        if self.encoder in EFFICIENTNETS:
            return tap_channels(self.encoder)
        return (self.stem_channels[-1], *self.stage_channels)

    @property
    def prior_channels(self) -> int:
        """Number of input channels that the priors take."""
        return channel_count(self.priors)

    @property
    def opacity_channels(self) -> int:
        """Number of priors that are opacities; they come first, and the head reads them too."""
        return sum(name.startswith("alpha_") for name in self.priors)

    @property
    def base_channel(self) -> int | None:
        """Which of the priors' channels is the base; None without one."""
        if not self.base:
            return None
        return channel_count(self.priors[: self.priors.index(self.base)])

    @property
    def distance_channel(self) -> int:
        """Which of the priors' channels is the first of the two distances."""
        return channel_count(self.priors[: self.priors.index("distances")])

    @property
    def input_channels(self) -> int:
        """Number of input channels: three of the image, one of the trimap, then the priors."""
        return 4 + self.prior_channels

    def to_dict(self) -> dict[str, Any]:
        """Give plain lists, numbers and strings, as `config.json` holds them."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """Read what `to_dict` gave.

        Raises
        ------
        ConfigError
            A key is unknown or a value is of the wrong kind.
        """
        known = {field.name: field for field in fields(cls)}
        unexpected = sorted(set(values) - set(known))
        if unexpected:
            raise ConfigError(
                f"unknown network setting {unexpected[0]!r}; accepted: {', '.join(known)}"
            )
        settings: dict[str, Any] = {}
        for key, value in values.items():
            default = known[key].default
            if isinstance(default, tuple):
                element = str if key == "priors" else int
                if not isinstance(value, list | tuple) or not all(
                    isinstance(v, element) for v in value
                ):
                    raise ConfigError(
                        f"network setting {key!r} must be a list of {element.__name__}, "
                        f"found {value!r}"
                    )
                if key != "priors" and len(value) != len(default):
                    raise ConfigError(
                        f"network setting {key!r} needs {len(default)} numbers, found {len(value)}"
                    )
                settings[key] = tuple(value)
            elif not isinstance(value, str):
                raise ConfigError(f"network setting {key!r} must be a string, found {value!r}")
            else:
                settings[key] = value
        return cls(**settings)
