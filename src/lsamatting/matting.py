"""What a user holds: a model that turns a picture and a trimap into a matte."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, get_args

from huggingface_hub import ModelHubMixin, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from numpy.typing import NDArray
from PIL import Image

from lsamatting.choices import Boundary, ForegroundMethod, Padding
from lsamatting.errors import ConfigError, WeightsError
from lsamatting.foreground.decontaminate import estimate_foreground
from lsamatting.images import DEFAULT_MAX_PIXELS, Picture, read_picture
from lsamatting.inference.device import choose_device
from lsamatting.inference.predict import predict_alpha
from lsamatting.inference.refinement.options import (
    RefinementOptions,
    default_options,
    refining_estimator,
)
from lsamatting.inference.refinement.report import RefinementReport
from lsamatting.inference.tta import Averaging, average_alpha
from lsamatting.matte import Matte
from lsamatting.network.files import CONFIG_FILE, WEIGHTS_FILE
from lsamatting.network.lsanet import LSANet
from lsamatting.session import Session
from lsamatting.trimap import Trimap
from lsamatting.weights import DEFAULT_WEIGHTS, bundled_folder, bundled_names

ImageSource = str | Path | Image.Image | NDArray[Any] | Picture
TrimapSource = str | Path | Image.Image | NDArray[Any] | Trimap
Progress = Callable[[int, int], None]
"""Called with how much is done and of how much."""

PUBLISHED_THRESHOLDS = {"background_below": 50, "foreground_above": 200}
"""How the authors' code reads trimaps."""

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


class Matting(
    ModelHubMixin,
    library_name="lsamatting",
    license="apache-2.0",
    pipeline_tag="image-segmentation",
    tags=["image-matting"],
    model_card_template="""---
{{ card_data }}
---

# Weights for lsamatting

An image matting network. `Matting.from_pretrained` of the Python package `lsamatting` loads it.
""",
):
    """A network on a device, ready for pictures.

    Parameters
    ----------
    network:
        The network; it is moved to the device and put in evaluation mode.
    device:
        `auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
    padding:
        What the network sees of a picture, see `lsamatting.inference.frame.Padding`: the unknown
        part (`window`), all of it (`paper`), or all of it with the authors' borders and trimap
        thresholds (`published`).
    boundary:
        Which boundary pixels refinement looks at: both sides (`paper`) or the authors' code's.
    tta:
        Test-time augmentation: True for the paper's 24 runs, or which (`Averaging`).

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
        network: LSANet,
        *,
        device: str = "auto",
        padding: Padding = "window",
        boundary: Boundary = "paper",
        tta: bool | Averaging | None = None,
    ) -> None:
        for name, value, accepted in (
            ("padding", padding, get_args(Padding)),
            ("boundary", boundary, get_args(Boundary)),
        ):
            if value not in accepted:
                raise ConfigError(f"{name} {value!r}; accepted: {', '.join(accepted)}")
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()
        self.padding: Padding = padding
        self.boundary: Boundary = boundary
        self.tta = Averaging() if tta is True else tta or None

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        pretrained_model_name_or_path: str | Path = DEFAULT_WEIGHTS,
        *,
        device: str = "auto",
        padding: Padding = "window",
        boundary: Boundary = "paper",
        tta: bool | Averaging | None = None,
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
            The name of bundled weights; else a folder that `save_pretrained` wrote; else a
            Hugging Face repository, `owner/name`.
        device, padding, boundary, tta:
            As in the constructor.
        revision, token, cache_dir, force_download, local_files_only:
            How a repository is fetched, as in `huggingface_hub.hf_hub_download`.

        Raises
        ------
        WeightsError
            There are no such weights, or they do not fit the network exactly.
        ConfigError
            The device is not on this machine, or an option has no such value.
        """
        choose_device(device)
        name = str(pretrained_model_name_or_path)
        folder = bundled_folder(name) or Path(name)
        if not folder.is_dir():
            if folder.exists() or not _REPOSITORY.fullmatch(name):
                raise WeightsError(
                    f"{name}: no such weights; accepted: "
                    f"{', '.join(bundled_names()) or 'no bundled name'}, a folder, "
                    "or a Hugging Face repository as owner/name"
                )
            try:
                files = [
                    hf_hub_download(
                        name,
                        file,
                        revision=revision,
                        token=token,
                        cache_dir=cache_dir,
                        force_download=force_download,
                        local_files_only=local_files_only,
                    )
                    for file in (CONFIG_FILE, WEIGHTS_FILE)
                ]
            except (EntryNotFoundError, OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise WeightsError(
                    f"{name}: neither bundled nor a folder, and not to be had "
                    f"from the Hugging Face hub: {reason}"
                ) from error
            folder = Path(files[0]).parent
        network = LSANet.from_pretrained(folder)
        return cls(network, device=device, padding=padding, boundary=boundary, tta=tta)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.network.save_pretrained(save_directory)

    def __call__(
        self,
        image: ImageSource,
        trimap: TrimapSource,
        *,
        foreground: ForegroundMethod = "ml",
        refine: bool | RefinementOptions = False,
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
            How the subject's colours are found where it is transparent: `ml` (multi-level,
            Germer et al. 2020), `closed-form` (Levin et al. 2008, slower) or `none` (they are
            the picture's own).
        refine:
            Backpropagating refinement (section 4.3) of every run: how, or True for L-BFGS with
            `window` padding and the paper's 100 steps of plain descent with the others.
        max_pixels:
            Larger files are refused.
        progress:
            Called, where there are runs to average or steps to take, with those done and their
            number.

        Raises
        ------
        ImageError
            The picture cannot be read.
        TrimapError
            The trimap cannot be read, or is not of the picture's size.
        """
        start = time.perf_counter()
        picture, trimap = self._read(image, trimap, max_pixels)
        timings = {"read": time.perf_counter() - start}
        reports: list[RefinementReport] = []
        options = refine if isinstance(refine, RefinementOptions) else default_options(self.padding)
        steps, runs = options.steps if refine else 1, self.tta.runs if self.tta else 1
        runs_done = 0

        def run_finished(done: int, _: int) -> None:
            nonlocal runs_done
            runs_done = done
            if progress is not None:
                progress(done * steps, runs * steps)

        def step_finished(done: int, _: int) -> None:
            if progress is not None:
                progress(runs_done * steps + done, runs * steps)

        estimator = (
            refining_estimator(
                self.network,
                boundary=self.boundary,
                options=options,
                reports=reports,
                progress=step_finished,
            )
            if refine
            else None
        )
        if self.tta is None:
            alpha = predict_alpha(
                self.network,
                picture.visible(),
                trimap.values,
                device=self.device,
                padding=self.padding,
                estimator=estimator,
                timings=timings,
            )
        else:
            alpha = average_alpha(
                self.network,
                picture.visible(),
                trimap.values,
                self.tta,
                device=self.device,
                padding=self.padding,
                estimator=estimator,
                timings=timings,
                progress=run_finished,
            )
        begun = time.perf_counter()
        colours = estimate_foreground(picture.pixels, alpha, trimap.values, method=foreground)
        timings["foreground"] = time.perf_counter() - begun
        timings["total"] = time.perf_counter() - start
        return Matte(
            alpha=alpha,
            foreground=colours,
            trimap=trimap,
            timings=timings,
            depth=picture.depth,
            linear=picture.linear,
            notes=(*picture.notes, *trimap.warnings, *_notices(reports)),
            refinement=tuple(reports),
        )

    def open(
        self,
        image: ImageSource,
        trimap: TrimapSource,
        *,
        foreground: ForegroundMethod = "ml",
        max_pixels: int = DEFAULT_MAX_PIXELS,
    ) -> Session:
        """Keep a picture open, to predict, refine and correct its matte with strokes.

        The encoder runs here, once. Parameters and errors are those of calling the model; one
        run of the network is refined, whatever `tta` says.
        """
        picture, trimap = self._read(image, trimap, max_pixels)
        return Session(
            self.network,
            picture,
            trimap,
            device=self.device,
            padding=self.padding,
            boundary=self.boundary,
            foreground=foreground,
        )

    def _read(
        self, image: ImageSource, trimap: TrimapSource, max_pixels: int
    ) -> tuple[Picture, Trimap]:
        picture = (
            image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
        )
        called = str(trimap) if isinstance(trimap, str | Path) else "the trimap"
        if not isinstance(trimap, Trimap):
            thresholds = PUBLISHED_THRESHOLDS if self.padding == "published" else {}
            trimap = Trimap.read(trimap, max_pixels=max_pixels, **thresholds)
        named = str(picture.path or "the picture")
        trimap.check_size(picture.pixels.shape[:2], named, called=called)
        return picture, trimap


def _notices(reports: list[RefinementReport]) -> tuple[str, ...]:
    """Say each notice once, and of how many runs it is true if not of the only one."""
    if len(reports) == 1:
        return (reports[0].notice,) if reports[0].notice else ()
    notices = [report.notice for report in reports if report.notice]
    return tuple(
        f"{notice} (in {notices.count(notice)} of {len(reports)} runs)"
        for notice in dict.fromkeys(notices)
    )
