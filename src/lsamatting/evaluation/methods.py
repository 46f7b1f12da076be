"""What can be evaluated: our network, a prior, PyMatting's methods, and mattes made elsewhere.

Each function gives a predictor and the description of it that goes into the results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lsamatting.digests import file_digest
from lsamatting.errors import ConfigError, MissingExtraError
from lsamatting.evaluation.datasets import TestPicture, find_mattes
from lsamatting.evaluation.knn import knn_matting
from lsamatting.images import Picture, read_grey
from lsamatting.silence import silence_prints
from lsamatting.trimap import Trimap

if TYPE_CHECKING:
    from lsamatting.choices import Boundary, Padding, Precision, RuntimeName
    from lsamatting.inference.estimate_options import EstimateOptions

Peer = Literal["closed-form", "knn"]
"""Methods of others that PyMatting provides."""

Predictor = Callable[[Picture, Trimap], NDArray[Any]]
"""From a picture and its trimap to opacity, H×W float in [0, 1]."""


@dataclass(frozen=True)
class Method:
    """What made the mattes, as the results' header states it."""

    name: str
    """What tables call it."""

    weights: str | None = None
    """Name, folder or repository of the weights, as given."""

    sha256: str | None = None
    """Of the weights' file; of mattes made elsewhere, over all of them."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Everything else that decides the mattes or the seconds."""


@dataclass(frozen=True)
class Mattes:
    """Mattes that another method has made, instead of a predictor."""

    files: Mapping[TestPicture, Path]

    def read(self, picture: TestPicture) -> NDArray[np.float32]:
        """Read the matte of one picture, H×W in [0, 1]."""
        return read_grey(self.files[picture])[0]


def network_options(
    *,
    padding: Padding = "window",
    boundary: Boundary = "paper",
    precision: Precision = "full",
    coarse_to_fine: bool | None = None,
    refine: bool = False,
    tta: bool = False,
) -> EstimateOptions:
    """Give how `lsamatting` estimates, as the results' header states it; parameters are its."""
    from lsamatting.inference.estimate_options import EstimateOptions
    from lsamatting.inference.refinement.options import default_options
    from lsamatting.inference.tta import SINGLE, Averaging

    return EstimateOptions(
        padding=padding,
        boundary=boundary,
        precision=precision,
        averaging=Averaging() if tta else SINGLE,
        coarse_to_fine=coarse_to_fine,
        refinement=default_options(padding, boundary) if refine else None,
    )


def lsamatting(
    weights: str | Path,
    *,
    runtime: RuntimeName = "auto",
    device: str = "auto",
    padding: Padding = "window",
    boundary: Boundary = "paper",
    precision: Precision = "full",
    coarse_to_fine: bool | None = None,
    refine: bool = False,
    tta: bool = False,
    threads: int | None = None,
    name: str | None = None,
) -> tuple[Predictor, Method]:
    """Load weights.

    Parameters
    ----------
    weights, runtime, device, padding, boundary, precision, coarse_to_fine
        As in `Matting.from_pretrained`; in full precision if not told otherwise, so that results
        do not depend on the processor.
    refine
        Backpropagating refinement of every matte (section 4.3).
    tta
        Average over turned, flipped and scaled pictures.
    threads
        To be stated in the results; it is not set here.
    name
        What tables call it; the weights' name and what is switched on, if not given.

    Raises
    ------
    WeightsError, ConfigError
        As `Matting.from_pretrained`.
    """
    from lsamatting.matting import Matting
    from lsamatting.network.files import find_weights, numbers_file

    options = network_options(
        padding=padding,
        boundary=boundary,
        precision=precision,
        coarse_to_fine=coarse_to_fine,
        refine=refine,
        tta=tta,
    )
    model = Matting.from_pretrained(
        weights,
        runtime=runtime,
        device=device,
        padding=padding,
        boundary=boundary,
        tta=tta,
        precision=precision,
        coarse_to_fine=coarse_to_fine,
    )
    if refine:
        model.runtime.check_refines()
    folder = Path(weights)
    called = folder.resolve().name if folder.is_dir() else folder.name
    parts = [called, *(["refine"] if refine else []), *(["tta"] if tta else [])]
    method = Method(
        name=name or "+".join(parts),
        weights=str(weights),
        sha256=file_digest(numbers_file(find_weights(weights))),
        options={
            "network": model.runtime.config.to_dict(),
            **options.to_dict(),
            "coarse_to_fine": options.starts_coarse(model.runtime.config),
            "runtime": model.runtime.name,
            "device": model.runtime.device,
            "threads": threads,
        },
    )

    def predict(picture: Picture, trimap: Trimap) -> NDArray[Any]:
        refinement = options.refinement or False
        return model(picture, trimap, foreground="none", refine=refinement).alpha

    return predict, method


def prior(
    which: str, *, threads: int | None = None, name: str | None = None
) -> tuple[Predictor, Method]:
    """Give the opacity that a colour prior implies, without a network.

    Parameters
    ----------
    which
        One of `lsamatting.priors.PRIOR_CHANNELS` that is an opacity (``alpha_…``).
    threads, name
        As in `lsamatting`.

    Raises
    ------
    ConfigError
        There is no such prior, or it is no opacity.
    """
    from lsamatting.priors import PRIOR_CHANNELS, compute_priors

    opacities = [prior for prior in PRIOR_CHANNELS if prior.startswith("alpha_")]
    if which not in opacities:
        raise ConfigError(f"prior {which!r}; accepted are the opacities {', '.join(opacities)}")

    def predict(picture: Picture, trimap: Trimap) -> NDArray[Any]:
        return compute_priors(picture.visible(), trimap.values, which=(which,))[..., 0]

    return predict, Method(name=name or which, options={"prior": which, "threads": threads})


def peer(
    algorithm: Peer, *, threads: int | None = None, name: str | None = None
) -> tuple[Predictor, Method]:
    """Give a method of PyMatting with its default parameters.

    Parameters
    ----------
    algorithm
        ``closed-form``: closed-form matting (Levin et al. 2008). ``knn``: KNN matting (Chen et
        al. 2013), see `lsamatting.evaluation.knn`.
    threads, name
        As in `lsamatting`.

    Raises
    ------
    MissingExtraError
        PyMatting is not installed (extra ``peers``).
    """
    try:
        import pymatting.laplacian.knn_laplacian  # noqa: F401
        from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf
    except ImportError:
        raise MissingExtraError(f"evaluating {algorithm}", "peers") from None
    estimate = knn_matting if algorithm == "knn" else estimate_alpha_cf

    def predict(picture: Picture, trimap: Trimap) -> NDArray[Any]:
        # The solver notices single precision's rounding: give it the file's values exactly, as
        # its own reader does.
        pixels = picture.pixels.astype(np.float64)
        if picture.depth < 32:
            white = 2**picture.depth - 1
            pixels = np.rint(pixels * white) / white
        # It prints warnings about its own speed; standard output is the caller's.
        with silence_prints():
            return np.asarray(estimate(pixels, trimap.values / 255))

    return predict, Method(name=name or algorithm, options={"threads": threads})


def made_elsewhere(
    folder: Path, pictures: Sequence[TestPicture], *, name: str | None = None
) -> tuple[Mattes, Method]:
    """Take the mattes that lie in a folder, see `lsamatting.evaluation.datasets.find_mattes`.

    Raises
    ------
    DatasetError
        A matte is missing or not of its picture's size.
    """
    mattes = Mattes(find_mattes(folder, pictures))
    whole = hashlib.sha256()
    for picture, file in mattes.files.items():
        whole.update(f"{picture.key} {file_digest(file)}\n".encode())
    return mattes, Method(name=name or folder.resolve().name, sha256=whole.hexdigest())
