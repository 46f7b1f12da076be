"""Options that more than one command has, each stated once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lsamatting.choices import (
    Boundary,
    Depth,
    ForegroundMethod,
    Optimiser,
    Padding,
    Precision,
    RuntimeName,
)

WeightsOption = Annotated[
    str,
    typer.Option(help="Bundled name, folder, ONNX file, or Hugging Face repository (owner/name)."),
]
RuntimeOption = Annotated[
    RuntimeName,
    typer.Option(
        help="What runs the network: torch, onnx (starts quickly, cannot refine), or torch where "
        "it is installed."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
ThreadsOption = Annotated[
    int | None, typer.Option(min=1, help="Processor threads; all of them if not given.")
]
PaddingOption = Annotated[
    Padding,
    typer.Option(
        help="What the network sees: the unknown part, the whole picture as in the paper, or as "
        "in the authors' code (which also reads trimaps otherwise)."
    ),
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        help="The network's arithmetic: float32, or half where the processor gains by it "
        "[auto; full with --padding paper or published]."
    ),
]
CoarseToFineOption = Annotated[
    bool | None,
    typer.Option(
        "--coarse-to-fine/--no-coarse-to-fine",
        help="Look at a picture with wide unknown regions from afar first [by default where the "
        "network gains by it; never with --padding paper or published].",
    ),
]
BoundaryOption = Annotated[
    Boundary | None,
    typer.Option(help="With --refine: the paper's boundary [paper] or the authors' code's."),
]
RefineOption = Annotated[
    bool, typer.Option("--refine", help="Refine by backpropagation until known pixels are right.")
]
RefineStepsOption = Annotated[
    int | None,
    typer.Option(min=1, help="With --refine: number of steps, at most [10; of descent 100]."),
]
RefineRateOption = Annotated[
    float | None,
    typer.Option(help="With --refine: learning rate; with lbfgs that of the first step [20]."),
]
RefineOptimiserOption = Annotated[
    Optimiser | None,
    typer.Option(
        help="With --refine: L-BFGS, or plain descent as in the paper "
        "[lbfgs; descent with --padding paper or published, or --boundary published]."
    ),
]
TtaOption = Annotated[
    bool,
    typer.Option("--tta", help="Average 24 runs: three scales, four rotations, each flipped too."),
]
TtaScalesOption = Annotated[
    str | None, typer.Option(metavar="S,S,...", help="With --tta: the scales [0.8,1,1.25].")
]
TtaSymmetriesOption = Annotated[
    int | None,
    typer.Option(help="With --tta: 8 (rotations and flips), 4 (rotations), 2 (flip) or 1 [8]."),
]
ErodeOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="With a mask: pixels that become unknown inside its edge "
        "[2 % of the subject's size, and what stands out in the picture].",
    ),
]
DilateOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="With a mask: pixels that become unknown outside its edge "
        "[2 % of the subject's size, and what stands out in the picture].",
    ),
]
LinearOption = Annotated[
    bool | None,
    typer.Option(
        "--linear/--gamma",
        help="What floating-point files hold: linear light, or values encoded with the sRGB curve. "
        "If not given: OpenEXR is linear, TIFF what its profile says, and linear without one.",
    ),
]
LayerOption = Annotated[
    str | None, typer.Option(help="Of OpenEXR files with several layers or parts, which one.")
]
QualityOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=100, help="Of JPEG [95], and of WebP [without loss; a matte always is]."
    ),
]
RecursiveOption = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Look into the folders of folders; results lie in folders of the same names.",
    ),
]
MaxPixelsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Largest picture that is opened, in pixels [200000000]."),
]
ForegroundMethodOption = Annotated[
    ForegroundMethod, typer.Option(help="How the subject's own colours are found.")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLOUR|IMAGE",
        help="What a composite shows the subject on: a colour (white, #2a6, 20,90,60) or picture.",
    ),
]
DepthOption = Annotated[
    Depth | None, typer.Option(help="Bits per channel; the picture's own if not given.")
]
BackgroundBelowOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=255,
        help="Trimap values below this are background [85; with --padding published 50].",
    ),
]
ForegroundAboveOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=255,
        help="Trimap values above this are foreground [170; with --padding published 200].",
    ),
]
OwnOpacityOption = Annotated[
    bool,
    typer.Option(
        "--own-opacity/--ignore-opacity",
        help="Multiply the opacity that a picture comes with into the result, or ignore it.",
    ),
]
MetadataOption = Annotated[
    bool,
    typer.Option(
        "--metadata/--no-metadata",
        help="Carry the picture's resolution and camera data, without place and owner, on to "
        "the results.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Of several pictures: processes that work on them side by side, each with a model of "
        "its own; 0 works in this one [as many as --threads leaves room for].",
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        metavar="AMOUNT",
        help="Memory that may be taken, as 4GiB; larger pictures are computed in tiles "
        "[half of what is free].",
    ),
]
DatasetArgument = Annotated[
    Path, typer.Argument(help="Folder of the dataset; a started one is continued.")
]
PhotosOption = Annotated[
    list[Path], typer.Option(help="A folder of photographs; may be given repeatedly.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same dataset.")]
KindsOption = Annotated[
    list[str] | None, typer.Option(help="Only this kind; may be given repeatedly.")
]
