"""Figure 2 of the paper: what re-estimation does to a foreground and to its gradient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsamatting.errors import ImageError, MissingExtraError
from lsamatting.figures.writing import write_figure
from lsamatting.foreground import refine_foreground
from lsamatting.images import read_grey, read_picture
from lsamatting.picture_files import check_destination

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lsamatting.choices import SmoothingMethod

Array = NDArray[np.float32]

_POINTS = 20_000
_LONGEST = 640  # pixels of a picture as shown


def fig2(
    foreground: str | Path | NDArray[Any],
    alpha: str | Path | NDArray[Any],
    path: str | Path,
    *,
    method: SmoothingMethod = "exact",
    kappa: float = 1.0,
) -> None:
    """Draw a foreground before and after re-estimation.

    Two rows, before and after; four columns: the foreground F, αF, |∇F|, and |∇F| against α at
    the pixels with 0 < α < 1 (at most 20,000 of them, the same ones in both rows). |∇F| is the
    root of the squared central differences in both directions, summed over the channels; it is
    drawn to one scale in both rows, the brightest hundredth of the first being white.

    Parameters
    ----------
    foreground
        A file, or HxWx3 float in [0, 1].
    alpha
        A file, or HxW float in [0, 1].
    path
        The ``.png`` to write.
    method, kappa
        As in `refine_foreground`.

    Raises
    ------
    ImageError
        A picture cannot be read or written, or the two differ in size.
    ConfigError
        Unknown method.
    MissingExtraError
        matplotlib is not installed.
    """
    path = Path(path)
    check_destination(path)
    if path.suffix.lower() != ".png":
        raise ImageError(f"{path}: figures are .png")
    colours = read_picture(foreground).pixels
    opacity, _ = read_grey(alpha)
    if opacity.shape != colours.shape[:2]:
        name = "alpha" if isinstance(alpha, np.ndarray) else alpha
        raise ImageError(
            f"{name}: {opacity.shape[1]}x{opacity.shape[0]} pixels, but the foreground has "
            f"{colours.shape[1]}x{colours.shape[0]}"
        )
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("drawing figures", "figures") from None

    refined = refine_foreground(colours, opacity, method=method, kappa=kappa)
    gradients = [gradient_size(colours), gradient_size(refined)]
    brightest = max(float(np.quantile(gradients[0], 0.99)), 1e-6)
    mixed = np.flatnonzero((opacity > 0) & (opacity < 1))
    if len(mixed) > _POINTS:
        mixed = np.random.default_rng(0).choice(mixed, _POINTS, replace=False)
    steepest = max([1e-6, *(float(g.ravel()[mixed].max(initial=0)) for g in gradients)])
    figure = Figure(figsize=(13, 6), layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, 4)
    for axes, name, shown, gradient in zip(
        rows, ("before", "after"), (colours, refined), gradients, strict=True
    ):
        axes[0].set_ylabel(name, fontsize="large")
        _show(axes[0], shown)
        _show(axes[1], shown * opacity[..., None])
        _show(axes[2], gradient / brightest)
        axes[3].scatter(opacity.ravel()[mixed], gradient.ravel()[mixed], s=1, alpha=0.3, lw=0)
        axes[3].set(xlim=(0, 1), ylim=(0, 1.05 * steepest), ylabel="|∇F|")
    for axes, title in zip(rows[0], ("F", "αF", "|∇F|", "|∇F| where 0 < α < 1"), strict=True):
        axes.set_title(title)
    rows[1][3].set_xlabel("α")
    write_figure(figure, path, dpi=100)


def gradient_size(colours: Array) -> Array:
    """Give |∇F|, HxW, of HxWx3 colours; along an axis of one pixel there is no gradient."""
    total = np.zeros(colours.shape[:2], np.float32)
    for axis in (0, 1):
        if colours.shape[axis] > 1:
            total += np.square(np.gradient(colours, axis=axis)).sum(axis=2, dtype=np.float32)
    return np.sqrt(total)


def _show(axes: Axes, picture: Array) -> None:
    step = max(1, max(picture.shape[:2]) // _LONGEST)
    axes.imshow(np.clip(picture[::step, ::step], 0, 1), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
