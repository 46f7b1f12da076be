"""Natural image matting under the local smoothness assumption.

>>> from lsamatting import Matting
>>> model = Matting.from_pretrained()
>>> matte = model("photo.jpg", "trimap.png")
>>> matte.save("alpha.png")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsamatting.errors import LsamattingError
    from lsamatting.matte import Matte
    from lsamatting.matting import Matting
    from lsamatting.network.config import NetworkConfig
    from lsamatting.network.lsanet import LSANet
    from lsamatting.session import Session
    from lsamatting.trimap import Trimap

__version__ = "0.1.0"

__all__ = ["LSANet", "LsamattingError", "Matte", "Matting", "NetworkConfig", "Session", "Trimap"]

_HOMES = {
    "LSANet": "network.lsanet",
    "LsamattingError": "errors",
    "Matte": "matte",
    "Matting": "matting",
    "NetworkConfig": "network.config",
    "Session": "session",
    "Trimap": "trimap",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import lsamatting` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "LSANet":
        from lsamatting.extras import require

        require("torch", "LSANet")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
