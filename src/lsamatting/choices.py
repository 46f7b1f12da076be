"""What options can be, said once, in a module that costs nothing to import.

The command line offers these values, and the functions that take them check them.
"""

from __future__ import annotations

from typing import Literal

Padding = Literal["window", "paper", "published"]
"""What the network sees of a picture.

`window`: the unknown region and a margin around it, padded by reflection to a multiple of the
network's stride. `paper`: the whole picture, padded by reflection to a multiple of 64 (section 5).
`published`: as `paper`, then 16 pixels of reflection and 16 of zeros on every side, and 128/255
for unknown in the trimap's channel, as in the authors' code.
"""

Boundary = Literal["paper", "published"]
"""Which pixels a trimap's boundary is.

`paper`: a pixel and its four neighbours lie on both sides of it; both sides count. `published`: an
unknown pixel with a known one among its eight neighbours, as in the authors' code, which also adds
0.1 to each of the two counts, compares with opacity that is not clamped, and by plain descent
returns what was there before its last step.
"""

Optimiser = Literal["descent", "lbfgs"]
"""`descent`: plain gradient descent, the paper's. `lbfgs`: the limited-memory quasi-Newton method,
which reaches the same objective in fewer evaluations."""

Precision = Literal["auto", "full"]
"""Number format of the network's arithmetic; results are float32 in any case.

`auto`: half where the device gains by it, float16 on CUDA and bfloat16 on CPUs that have it.
`full`: float32 everywhere, the same digits on every machine but for the order of sums. Refinement
is always in full precision.
"""

RuntimeName = Literal["auto", "torch", "onnx"]
"""What runs the network: `torch` (PyTorch, the extra `torch`), `onnx` (ONNX Runtime, which is small
and starts quickly but has no derivatives, so that nothing can be refined), or `auto`: PyTorch where
it is installed and the weights are not an ONNX file."""

OnnxNumbers = Literal["float32", "float16", "int8"]
"""Number format of an exported file: `float32`, exact; `float16`, half the size, for devices that
compute in it; `int8`, a quarter."""

ForegroundMethod = Literal["blur-fusion", "none"]
"""How the subject's own colours are found where it is transparent: `blur-fusion` (Forte 2021, at
more scales); `none`, they are the picture's own."""

SmoothingMethod = Literal["exact", "multilevel", "jacobi"]
"""How a foreground is made smooth (section 4.1): by the minimiser itself, or by the paper's
Algorithm 2 or 1."""

ReestimationMethod = Literal["exact", "multilevel", "jacobi", "closed-form"]
"""How the foregrounds of a training set are re-estimated: made smooth, or the foreground of Levin
et al., blended."""

Border = Literal["inside", "reflect"]
"""What pixels on the border take for their neighbours beyond it: there are none, or they are
mirrored."""

Depth = Literal[8, 16, 32]
"""Bits per channel."""

DatasetLayout = Literal["auto", "trio", "composition-1k", "alphamatting", "alphamatting-test"]
"""How a test set lies on disk; docs/evaluation.md has them."""

EngineName = Literal["local", "ray"]
"""What works on a batch: processes of this machine, or a Ray cluster."""

TableFormat = Literal["text", "markdown", "latex", "csv"]
"""How a table of results is written."""

Transfer = Literal["linear", "gamma"]
"""How floating-point values are meant: proportional to light, or encoded with the sRGB curve."""


def trimap_thresholds(padding: Padding) -> dict[str, int]:
    """Give the options of `Trimap.read` that a padding asks for: the authors' code has its own."""
    return {"background_below": 50, "foreground_above": 200} if padding == "published" else {}
