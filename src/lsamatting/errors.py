"""What a user can get wrong, one exception type per kind of mistake.

Every message is a single line that names the file or value, what was found and what is accepted.
The command line prints it and exits with code 2; anything else that escapes is a bug.
"""

from __future__ import annotations


class LsamattingError(Exception):
    """Base of all errors that a user can mend."""


class ImageError(LsamattingError):
    """A picture cannot be read or written."""


class TrimapError(LsamattingError):
    """A trimap, mask or set of strokes does not fit."""


class TrimapWarning(UserWarning):
    """A trimap or mask can be used, but is hardly what was meant."""


class WeightsError(LsamattingError):
    """Weights or their configuration are missing, damaged or of another architecture."""


class DatasetError(LsamattingError):
    """A dataset folder lacks files or holds files that do not match."""


class ConfigError(LsamattingError):
    """An option or a configuration value is out of range."""


class MetricError(LsamattingError):
    """Two mattes cannot be compared: sizes, values or an empty region."""


class MissingExtraError(LsamattingError):
    """An optional part of the package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional part: install it with pip install 'lsamatting[{extra}]'"
        )
