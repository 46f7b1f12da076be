"""What tests of pictures share."""

import pytest

from lsamatting.errors import ImageError

LOSSLESS = [
    (".png", 8),
    (".png", 16),
    (".tif", 8),
    (".tiff", 16),
    (".tif", 32),
    (".bmp", 8),
    (".webp", 8),
    (".exr", 32),
]


def refused(match, function, *arguments, **options):
    with pytest.raises(ImageError, match=match) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
