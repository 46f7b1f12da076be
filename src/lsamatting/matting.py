"""What a user holds: a model that turns a picture and a trimap into a matte."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray
from PIL import Image

from lsamatting.budget import check_memory, parse_memory
from lsamatting.choices import (
    Boundary,
    ForegroundMethod,
    Padding,
    Precision,
    RuntimeName,
    trimap_thresholds,
)
from lsamatting.errors import ConfigError
from lsamatting.foreground.estimate import estimate_foreground
from lsamatting.images import DEFAULT_MAX_PIXELS, Picture, read_picture
from lsamatting.inference.ahead import RuntimeAhead
from lsamatting.inference.estimate import estimate
from lsamatting.inference.estimate_options import EstimateOptions, default_precision
from lsamatting.inference.open_picture import Progress
from lsamatting.inference.refinement.options import RefinementOptions, default_options
from lsamatting.inference.runtime import Runtime, load_runtime
from lsamatting.inference.strokes import check_stroke, with_strokes
from lsamatting.inference.tta import SINGLE, Averaging
from lsamatting.matte import Matte
from lsamatting.memory import give_back_freed_memory
from lsamatting.network.files import find_weights
from lsamatting.network.hub import push_weights, save_weights
from lsamatting.session import Session
from lsamatting.trimap import Trimap
from lsamatting.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from lsamatting.network.lsanet import LSANet

ImageSource = str | Path | Image.Image | NDArray[Any] | Picture
TrimapSource = str | Path | Image.Image | NDArray[Any] | Trimap


class Matting:
    """A network on a device, ready for pictures.

    Parameters
    ----------
    network:
        An `LSANet`, which is moved to the device and put in evaluation mode; or a runtime that
        `lsamatting.inference.runtime.load_runtime` gave.
    device:
        Where an `LSANet` runs: `auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
    padding:
        What the network sees of a picture, see `lsamatting.inference.frame.Padding`: the unknown
        part (`window`), all of it (`paper`), or all of it with the authors' borders and trimap
        thresholds (`published`).
    boundary:
        Which boundary pixels refinement looks at: both sides (`paper`) or the authors' code's.
    tta:
        Test-time augmentation: True for the paper's 24 runs, or which (`Averaging`).
    precision:
        Number format of the network's arithmetic: `auto` (half where the device gains by it) or
        `full` (float32). If not given, `full` with `paper` and `published` padding, else `auto`.
    coarse_to_fine:
        Whether a picture with wide unknown regions is looked at from afar first, see
        `lsamatting.inference.coarse_to_fine`. If not given, it is where the network gains by it,
        with `window` padding.
    memory:
        What the process may take in all, in bytes or as `4GiB`; a picture that needs more is
        computed in tiles. If not given, half of what is free when a picture comes.

    Raises
    ------
    ConfigError
        The device is not on this machine, or an option has no such value.

    Examples
    --------
    >>> model = Matting.from_pretrained()
    >>> matte = model("cat.jpg", "cat-trimap.png")
    >>> matte.save("alpha.png")
    >>> matte.save_cutout("cat.png")
    """

    def __init__(
        self,
        network: LSANet | Runtime,
        *,
        device: str = "auto",
        padding: Padding = "window",
        boundary: Boundary = "paper",
        tta: bool | Averaging | None = None,
        precision: Precision | None = None,
        coarse_to_fine: bool | None = None,
        memory: str | int | None = None,
    ) -> None:
        self.options = EstimateOptions(
            padding=padding,
            boundary=boundary,
            precision=precision or default_precision(padding),
            averaging=Averaging() if tta is True else tta or SINGLE,
            coarse_to_fine=coarse_to_fine,
            memory=_bytes(memory),
        )
        # In this order: what loads ahead would be waited for if it were asked what it has.
        self.runtime: Runtime = (
            network if isinstance(network, RuntimeAhead | Runtime) else _with_torch(network, device)
        )

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path = DEFAULT_WEIGHTS,
        *,
        runtime: RuntimeName = "auto",
        device: str = "auto",
        padding: Padding = "window",
        boundary: Boundary = "paper",
        tta: bool | Averaging | None = None,
        precision: Precision | None = None,
        coarse_to_fine: bool | None = None,
        memory: str | int | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
    ) -> Self:
        """Load weights.

        Parameters
        ----------
        pretrained_model_name_or_path:
            The name of bundled weights; else a folder that `save_pretrained` wrote, or a file that
            `lsamatting export` wrote; else a Hugging Face repository, `owner/name`.
        runtime:
            What runs the network, see `lsamatting.choices.RuntimeName`: `torch`, `onnx`, or `auto`.
        device, padding, boundary, tta, precision, coarse_to_fine, memory:
            As in the constructor.
        revision, token, cache_dir, force_download, local_files_only:
            How a repository is fetched, as in `huggingface_hub.hf_hub_download`.

        Raises
        ------
        WeightsError
            There are no such weights, or they do not fit the network exactly.
        ConfigError
            The device is not on this machine, or an option has no such value.
        MissingExtraError
            The runtime torch, or a repository, needs what is not installed.
        """
        weights = find_weights(
            pretrained_model_name_or_path,
            revision=revision,
            token=token,
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
        )
        return cls(
            load_runtime(weights, runtime, device=device),
            padding=padding,
            boundary=boundary,
            tta=tta,
            precision=precision,
            coarse_to_fine=coarse_to_fine,
            memory=memory,
        )

    @property
    def network(self) -> LSANet:
        """The network itself.

        Raises
        ------
        ConfigError
            It is one of the runtime onnx, which has none.
        """
        network: LSANet | None = getattr(self.runtime, "network", None)
        if network is None:
            raise ConfigError("the runtime onnx has no network to change or save; torch has")
        return network

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write the weights, in half precision if they allow it, and a model card if there is none.

        Returns
        -------
        Path
            The folder, as `from_pretrained` takes it.

        Raises
        ------
        ConfigError
            The runtime is onnx.
        """
        return save_weights(self.network, Path(folder))

    def push_to_hub(
        self, repository: str, *, private: bool | None = None, token: str | None = None
    ) -> str:
        """Share the weights as a repository of the Hugging Face hub; give its address.

        Parameters
        ----------
        repository:
            `owner/name`; it is made if there is none.
        private:
            Whether others may not see it, where it is made; the owner's default if not given.
        token:
            Of an account that may write there; the one that is logged in if not given.

        Raises
        ------
        ConfigError
            The runtime is onnx.
        MissingExtraError
            The extra `hub` is not installed.
        """
        return push_weights(self.network, repository, private=private, token=token)

    def __call__(
        self,
        image: ImageSource,
        trimap: TrimapSource,
        *,
        foreground: ForegroundMethod = "blur-fusion",
        refine: bool | RefinementOptions = False,
        strokes: Iterable[tuple[NDArray[Any], float]] = (),
        max_pixels: int = DEFAULT_MAX_PIXELS,
        progress: Progress | None = None,
    ) -> Matte:
        """Take a picture apart.

        Parameters
        ----------
        image:
            A path, a PIL image, or an array: H×W, H×W×3 or H×W×4, uint8, uint16, or float in
            [0, 1], gamma-encoded sRGB.
        trimap:
            A path, a PIL image, an array of the picture's size, or a `Trimap`.
        foreground:
            How the subject's colours are found where it is transparent: `blur-fusion`
            (Forte 2021, at more scales) or `none` (they are the picture's own).
        refine:
            Backpropagating refinement (section 4.3) of every run: how, or True for a few steps of
            L-BFGS, or the paper's 100 of plain descent where `padding` or `boundary` ask for it.
        strokes:
            Corrections: masks, H×W bool of the picture's size, and the opacity that each asks for,
            as in `Session.stroke`.
        max_pixels:
            Larger files are refused.
        progress:
            Called with the runs, or steps of refinement, done and their number; an exception that
            it raises ends the work.

        Raises
        ------
        ImageError
            The picture cannot be read.
        TrimapError
            The trimap cannot be read, or is not of the picture's size; or a stroke is not, or is
            empty.
        ConfigError
            A stroke's opacity is out of range, or the runtime cannot refine.
        MissingExtraError
            Refinement needs PyTorch, which is not installed.
        """
        start = time.perf_counter()
        refinement = self.refinement(refine)
        picture, trimap = self._read(image, trimap, max_pixels)
        painted = [check_stroke(*stroke, trimap.values.shape) for stroke in strokes]
        seconds = {"read": time.perf_counter() - start}
        found = estimate(
            self.runtime,
            picture.visible_samples(),
            trimap.values,
            options=replace(self.options, refinement=refinement),
            strokes=painted,
            progress=progress,
            name=str(picture.path or "the picture"),
        )
        seconds.update(found.seconds)
        begun = time.perf_counter()
        marks = with_strokes(trimap.values, painted)
        colours = estimate_foreground(picture.samples, found.alpha, marks, method=foreground)
        seconds["foreground"] = time.perf_counter() - begun
        give_back_freed_memory()
        seconds["total"] = time.perf_counter() - start
        return Matte.of(
            picture,
            replace(trimap, values=marks) if painted else trimap,
            alpha=found.alpha,
            foreground=colours,
            reports=found.reports,
            seconds=seconds,
        )

    def refinement(self, refine: bool | RefinementOptions) -> RefinementOptions | None:
        """Say how `refine=…` refines; None where it does not.

        Raises
        ------
        ConfigError, MissingExtraError
            The runtime cannot refine.
        """
        if refine:
            self.runtime.check_refines()
        if isinstance(refine, RefinementOptions):
            return refine
        return default_options(self.options.padding, self.options.boundary) if refine else None

    def open(
        self,
        image: ImageSource,
        trimap: TrimapSource,
        *,
        foreground: ForegroundMethod = "blur-fusion",
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Session:
        """Keep a picture open, to predict, refine and correct its matte with strokes.

        Parameters and errors are those of calling the model; one run of the network is made,
        whatever `tta` says.
        """
        picture, trimap = self._read(image, trimap, max_pixels)
        return Session(self.runtime, picture, trimap, options=self.options, foreground=foreground)

    def _read(
        self, image: ImageSource, trimap: TrimapSource, max_pixels: int
    ) -> tuple[Picture, Trimap]:
        picture = (
            image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
        )
        called = str(trimap) if isinstance(trimap, str | Path) else "the trimap"
        if not isinstance(trimap, Trimap):
            thresholds = trimap_thresholds(self.options.padding)
            trimap = Trimap.read(trimap, max_pixels=max_pixels, **thresholds)
        named = str(picture.path or "the picture")
        trimap.check_size(picture.samples.shape[:2], named, called=called)
        return picture, trimap


def _bytes(memory: str | int | None) -> int | None:
    if memory is None:
        return None
    return parse_memory(memory) if isinstance(memory, str) else check_memory(memory)


def _with_torch(network: LSANet, device: str) -> Runtime:
    from lsamatting.inference.device import choose_device
    from lsamatting.inference.torch_runtime import TorchRuntime

    place = choose_device(device)
    return TorchRuntime(network.to(place).eval(), place)
