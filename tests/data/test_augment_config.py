from __future__ import annotations

import pytest

from lsamatting.data.augment_config import AugmentConfig
from lsamatting.errors import ConfigError


@pytest.mark.parametrize(
    "values", [{"rotate": 1.5}, {"crop_side": (2.0, 1.0)}, {"flip": -0.1}], ids=str
)
def test_impossible_options_are_refused(values: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        AugmentConfig(**values)
