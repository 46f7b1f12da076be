"""`lsamatting evaluate`: the errors of a method on a test set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lsamatting.choices import Boundary, DatasetLayout, Padding, Precision, trimap_thresholds
from lsamatting.cli.bar import bar_on
from lsamatting.cli.console import complain, complain_unexpected, say, stderr_console, warn
from lsamatting.cli.options import CoarseToFineOption, DeviceOption, RuntimeOption, ThreadsOption
from lsamatting.errors import ConfigError, LsamattingError
from lsamatting.text_table import align
from lsamatting.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from lsamatting.evaluation.datasets import TestPicture, TestSet
    from lsamatting.evaluation.methods import Mattes, Method, Predictor
    from lsamatting.evaluation.records import Records


EvaluatedMethod = Literal["lsamatting", "prior", "closed-form", "knn"]
"""What is evaluated."""

DEFAULT_PRIOR = "alpha_light"

_FORMATS = {"SAD": ".2f", "MSE": ".4f", "MAD": ".4f", "Grad": ".2f", "Conn": ".2f"}


def evaluate(
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET", help="Folder of the test set; docs/evaluation.md has the layouts."
        ),
    ],
    layout: Annotated[
        DatasetLayout, typer.Option(help="How it lies on disk, if its folders do not tell.")
    ] = "auto",
    method: Annotated[
        EvaluatedMethod | None,
        typer.Option(
            help="What is evaluated: our network [default], a prior without network, or "
            "closed-form or KNN matting by PyMatting (extra peers)."
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(help=f"With --method prior: which opacity [default: {DEFAULT_PRIOR}]."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Folder of mattes to score, named as the pictures are."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help=f"Bundled name, folder, or Hugging Face repository (owner/name) "
            f"[default: {DEFAULT_WEIGHTS}]."
        ),
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="Refine every matte by backpropagation (slow).")
    ] = False,
    tta: Annotated[
        bool, typer.Option("--tta", help="Average over turned, flipped and scaled pictures (slow).")
    ] = False,
    padding: Annotated[
        Padding | None,
        typer.Option(help="What the network sees: the unknown part [default], the paper's whole."),
    ] = None,
    precision: Annotated[
        Precision | None,
        typer.Option(
            help="The network's arithmetic: float32 [full], or half where the processor gains by "
            "it (auto)."
        ),
    ] = None,
    coarse_to_fine: CoarseToFineOption = None,
    boundary: Annotated[
        Boundary | None, typer.Option(help="With --refine: whose boundary terms [paper].")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Results file [default: evaluation/DATASET-METHOD.jsonl]."
        ),
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Folder for the mattes, 8-bit PNG.")] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Contact sheet of the worst and best [default: beside the results]."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What tables shall call the method.")] = None,
    band: Annotated[
        float | None,
        typer.Option(min=0, help="Reach in pixels of trimaps made from true mattes [15]."),
    ] = None,
    runtime: RuntimeOption = "auto",
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew instead of continuing a results file.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the means and what was written as JSON.")
    ] = False,
) -> None:
    """Measure how good a method's mattes are on a test set.

    Results go to a file as they come; the same command continues an interrupted run.
    """
    ours = {
        "--weights": weights is not None,
        "--refine": refine,
        "--tta": tta,
        "--padding": padding is not None,
        "--boundary": boundary is not None,
        "--precision": precision is not None,
        "--coarse-to-fine": coarse_to_fine is not None,
        "--runtime": runtime != "auto",
        "--device": device != "auto",
    }
    given = [option for option, present in ours.items() if present]
    if predictions is not None:
        given += ["--method"] * (method is not None) + ["--threads"] * (threads is not None)
        given += ["--save"] * (save is not None)
    if given and predictions is not None:
        raise ConfigError(f"{given[0]} does not go with --predictions: nothing is predicted")
    if prior is not None and method != "prior":
        raise ConfigError("--prior goes with --method prior")
    if given and method not in (None, "lsamatting"):
        raise ConfigError(f"{given[0]} goes with our network, not with --method {method}")
    if boundary is not None and not refine:
        raise ConfigError("--boundary goes with --refine")

    from lsamatting.cli.outputs import make_folder, refuse_replacing, refuse_twice
    from lsamatting.evaluation import methods
    from lsamatting.evaluation.datasets import open_dataset

    test_set = open_dataset(dataset, layout=layout)
    if band is not None and all(picture.trimap for picture in test_set):
        raise ConfigError(f"--band goes with pictures without trimap; {dataset} has all of them")
    if sheet is not None and not test_set.has_truth:
        raise ConfigError(f"--sheet shows errors, and {dataset} has no true mattes to tell them")
    if threads is not None:
        from lsamatting.threads import limit_threads

        limit_threads(threads)
    predictor: Predictor | Mattes
    if predictions is not None:
        predictor, described = methods.made_elsewhere(predictions, test_set, name=name)
    elif method == "prior":
        predictor, described = methods.prior(prior or DEFAULT_PRIOR, threads=threads, name=name)
    elif method == "closed-form" or method == "knn":
        predictor, described = methods.peer(method, threads=threads, name=name)
    else:
        predictor, described = methods.lsamatting(
            weights or DEFAULT_WEIGHTS,
            runtime=runtime,
            device=device,
            padding=padding or "window",
            boundary=boundary or "paper",
            precision=precision or "full",
            coarse_to_fine=coarse_to_fine,
            refine=refine,
            tta=tta,
            threads=threads,
            name=name,
        )
    if output is None:
        output = Path("evaluation") / f"{test_set.name}-{_plain(described.name)}.jsonl"
        make_folder(output.parent)
    if output.suffix != ".jsonl":
        raise ConfigError(f"{output}: results are lines of JSON; accepted: a name in .jsonl")
    if not output.parent.is_dir():
        raise ConfigError(f"{output}: there is no folder {output.parent}")
    if sheet is None and test_set.has_truth:
        sheet = output.with_suffix(".jpg")
    read = [file for picture in test_set for file in (picture.image, picture.trimap, picture.alpha)]
    if isinstance(predictor, methods.Mattes):
        read += predictor.files.values()
    written = [output] if sheet is None else [output, sheet]
    refuse_replacing(written, read)
    if save is not None:
        refuse_twice([*written, *(picture.in_folder(save) for picture in test_set)])
        make_folder(save)
    records, failed, code = _run(
        test_set,
        predictor,
        described,
        output=output,
        save=save,
        sheet=sheet,
        band=band,
        levels=trimap_thresholds(padding or "window"),
        overwrite=overwrite,
    )
    if as_json:
        typer.echo(json.dumps(_report(records, save, sheet, failed), indent=2))
    else:
        _tell(records, test_set, save, sheet)
    if code:
        raise typer.Exit(code)


def _plain(name: str) -> str:
    """Make a name fit for a file."""
    return "".join(c if c.isalnum() or c in "+-_." else "-" for c in name).strip(".") or "method"


def _run(
    test_set: TestSet,
    predictor: Predictor | Mattes,
    method: Method,
    *,
    output: Path,
    save: Path | None,
    sheet: Path | None,
    band: float | None,
    levels: dict[str, int],
    overwrite: bool,
) -> tuple[Records, list[dict[str, Any]], int]:
    """Evaluate under a progress bar; give the results, what failed, and the exit code."""
    from lsamatting.evaluation.evaluate import DEFAULT_BAND
    from lsamatting.evaluation.evaluate import evaluate as run

    failed: list[dict[str, Any]] = []
    codes = {0}
    console = stderr_console()
    with bar_on(console) as progress:
        task = progress.add_task(method.name, total=len(test_set))

        def advance(_: TestPicture, records: Records) -> None:
            description = method.name
            if test_set.has_truth:
                means = records.means()
                description += "".join(f"  {m} {means[m]:{_FORMATS[m]}}" for m in ("SAD", "MSE"))
            # Pictures whose matte was only missing from --save are in the records already.
            done = max(len(records.pictures), progress.tasks[0].completed + 1)
            progress.update(task, completed=done, description=description)

        def fail(picture: TestPicture, error: Exception) -> None:
            failed.append({"name": picture.name, "group": picture.group, "error": str(error)})
            if isinstance(error, LsamattingError):
                named = str(error).startswith(str(picture.image))
                complain(str(error) if named else f"{picture.image}: {error}", console)
                codes.add(2)
            else:
                complain_unexpected(error, console)
                codes.add(1)

        records = run(
            test_set,
            predictor,
            output,
            method=method,
            band=DEFAULT_BAND if band is None else band,
            trimap_levels=levels,
            save=save,
            contact_sheet=sheet,
            overwrite=overwrite,
            on_picture=advance,
            on_failure=fail,
        )
    # An error that is no user's is the graver one.
    return records, failed, 1 if 1 in codes else max(codes)


def _means(records: Records) -> dict[str | None, dict[str, float]]:
    """Give the means of each group, and under None those of all pictures."""
    if not any(picture.errors for picture in records.pictures):
        return {}
    groups: list[str | None] = [*records.groups]
    return {group: records.means(group) for group in [*groups, None]}


def _report(
    records: Records, save: Path | None, sheet: Path | None, failed: list[dict[str, Any]]
) -> dict[str, Any]:
    means = _means(records)
    return {
        "method": records.name,
        "results": str(records.path),
        "sheet": str(sheet) if sheet is not None and sheet.exists() else None,
        "mattes": None if save is None else str(save),
        "pictures": len(records.pictures),
        "means": means.pop(None, None),
        "groups": means,
        "failed": failed,
    }


def _tell(records: Records, test_set: TestSet, save: Path | None, sheet: Path | None) -> None:
    for line in _table(records):
        say(line)
    missing = len(test_set) - len(records.pictures)
    if missing:
        warn(f"{missing} of {len(test_set)} pictures are missing; the same command tries again")
    written = {"results": records.path, "mattes": save, "contact sheet": sheet}
    for what, path in written.items():
        if path is not None and path.exists():
            say(f"{what}: {path}")


def _table(records: Records) -> list[str]:
    rows: list[list[str]] = [["picture", *_FORMATS, "s"]]
    for picture in records.pictures:
        label = f"{picture.group}/{picture.name}" if picture.group else picture.name
        rows.append([label, *_cells(picture.errors), _seconds([picture.seconds])])
    for group, means in _means(records).items():
        members = [p.seconds for p in records.pictures if group in (None, p.group)]
        label = f"mean of {len(members)}" if group is None else f"mean of {group}"
        rows.append([label, *_cells(means), _seconds(members)])
    return align(rows)


def _cells(errors: Mapping[str, float]) -> list[str]:
    return [f"{errors[name]:{how}}" if errors else "" for name, how in _FORMATS.items()]


def _seconds(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.2f}" if known else ""
