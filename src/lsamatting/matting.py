"""What a user holds: a model that turns a picture and a trimap into a matte."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from huggingface_hub import ModelHubMixin, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from lsamatting.backdrop import fit_backdrop, read_backdrop
from lsamatting.compositing import composite, cutout
from lsamatting.errors import WeightsError
from lsamatting.foreground.decontaminate import Method, estimate_foreground
from lsamatting.images import (
    DEFAULT_MAX_PIXELS,
    Depth,
    Picture,
    best_depth,
    read_picture,
    write_grey,
    write_picture,
)
from lsamatting.inference.device import choose_device
from lsamatting.inference.predict import predict_alpha
from lsamatting.network.files import CONFIG_FILE, WEIGHTS_FILE
from lsamatting.network.lsanet import LSANet
from lsamatting.trimap import Trimap
from lsamatting.weights import DEFAULT_WEIGHTS, bundled_folder, bundled_names

FloatArray = NDArray[np.float32]
ImageSource = str | Path | Image.Image | NDArray[Any] | Picture
Backdrop = str | Path | Image.Image | ArrayLike
TrimapSource = str | Path | Image.Image | NDArray[Any] | Trimap

_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*")


@dataclass(frozen=True)
class Matte:
    """A picture taken apart: opacity, and the subject's own colours.

    Size and orientation are the picture's as a viewer shows it.
    """

    alpha: FloatArray
    """H×W float32 in [0, 1]."""

    foreground: FloatArray
    """H×W×3 float32 in [0, 1]: the subject's colours without those behind it."""

    trimap: Trimap
    """The trimap that was used."""

    timings: dict[str, float] = field(default_factory=dict)
    """Seconds spent in each step, and their `total`."""

    depth: Depth = 8
    """Bits per channel of the picture, and of the files that are saved if their format can."""

    linear: bool = False
    """The picture's file was in linear light, and so is what is saved as a floating-point file."""

    notes: tuple[str, ...] = ()
    """What was noticed and done while the picture and the trimap were read."""

    def cutout(self) -> FloatArray:
        """Give the subject alone: H×W×4 straight RGBA, float32 in [0, 1]."""
        return cutout(self.foreground, self.alpha)

    def composite(self, on: Backdrop) -> FloatArray:
        """Put the subject on something else.

        Parameters
        ----------
        on:
            A colour (`white`, `#2a6`, three numbers in [0, 1]) or a picture (a path, a PIL image,
            an array as for `Matting`), which is scaled to cover this one.

        Returns
        -------
        ndarray
            H×W×3 float32 in [0, 1].

        Raises
        ------
        ConfigError
            It is neither a file nor a colour.
        ImageError
            The picture cannot be read.
        """
        behind = fit_backdrop(read_backdrop(on), *self.alpha.shape)
        return composite(self.foreground, self.alpha, behind)

    def save(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the opacity as a grey picture.

        Parameters
        ----------
        path:
            The suffix decides the format.
        depth:
            8, 16 or 32 bits; the picture's own, as far as the format can, if not given.

        Raises
        ------
        ImageError
            The file cannot be written, or its format has no such depth.
        """
        write_grey(path, self.alpha, depth=depth or best_depth(path, self.depth))

    def save_cutout(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the subject as straight RGBA; options and errors are those of `save`."""
        write_picture(
            path,
            self.foreground,
            alpha=self.alpha,
            depth=depth or best_depth(path, self.depth),
            linear=self.linear,
        )

    def save_foreground(self, path: str | Path, *, depth: Depth | None = None) -> None:
        """Write the subject's colours as RGB; options and errors are those of `save`."""
        self._save_rgb(path, self.foreground, depth)

    def save_composite(self, path: str | Path, on: Backdrop, *, depth: Depth | None = None) -> None:
        """Write `composite(on)` as RGB; options and errors are those of `save`."""
        self._save_rgb(path, self.composite(on), depth)

    def _save_rgb(self, path: str | Path, pixels: FloatArray, depth: Depth | None) -> None:
        write_picture(path, pixels, depth=depth or best_depth(path, self.depth), linear=self.linear)


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

    Raises
    ------
    ConfigError
        The device is not on this machine.

    Examples
    --------
    >>> model = Matting.from_pretrained()
    >>> matte = model("cat.jpg", "cat-trimap.png")
    >>> matte.save("alpha.png")
    >>> matte.save_cutout("cat.png")
    """

    def __init__(self, network: LSANet, *, device: str = "auto") -> None:
        self.device = choose_device(device)
        self.network = network.to(self.device).eval()

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        pretrained_model_name_or_path: str | Path = DEFAULT_WEIGHTS,
        *,
        device: str = "auto",
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
        device:
            As in the constructor.
        revision, token, cache_dir, force_download, local_files_only:
            How a repository is fetched, as in `huggingface_hub.hf_hub_download`.

        Raises
        ------
        WeightsError
            There are no such weights, or they do not fit the network exactly.
        ConfigError
            The device is not on this machine.
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
        return cls(LSANet.from_pretrained(folder), device=device)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.network.save_pretrained(save_directory)

    def __call__(
        self,
        image: ImageSource,
        trimap: TrimapSource,
        *,
        foreground: Method = "ml",
        max_pixels: int = DEFAULT_MAX_PIXELS,
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
        max_pixels:
            Larger files are refused.

        Raises
        ------
        ImageError
            The picture cannot be read.
        TrimapError
            The trimap cannot be read, or is not of the picture's size.
        """
        start = time.perf_counter()
        picture = (
            image if isinstance(image, Picture) else read_picture(image, max_pixels=max_pixels)
        )
        called = str(trimap) if isinstance(trimap, str | Path) else "the trimap"
        if not isinstance(trimap, Trimap):
            trimap = Trimap.read(trimap, max_pixels=max_pixels)
        named = str(picture.path or "the picture")
        trimap.check_size(picture.pixels.shape[:2], named, called=called)
        timings = {"read": time.perf_counter() - start}
        # Linear files may hold values beyond white, of which the network knows nothing.
        visible = np.clip(picture.pixels, 0, 1) if picture.linear else picture.pixels
        alpha = predict_alpha(
            self.network, visible, trimap.values, device=self.device, timings=timings
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
            notes=(*picture.notes, *trimap.warnings),
        )
