"""Doing what a plan says: foregrounds, trainings, evaluations and the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rich.console import Console
from rich.progress import Progress

from lsamatting.choices import trimap_thresholds
from lsamatting.errors import ConfigError
from lsamatting.evaluation import methods
from lsamatting.evaluation.datasets import TestPicture, open_dataset
from lsamatting.evaluation.evaluate import evaluate
from lsamatting.evaluation.records import Records
from lsamatting.replacing import replacing
from lsamatting.stop_signal import stop_signal_as_interrupt
from reproduce import table
from reproduce.foregrounds import prepare
from reproduce.plan import Plan, Step, Training
from reproduce.results import check_origin, complete_results, results_of
from reproduce.settings import write_yaml
from reproduce.training_process import train_in_a_process


def run(
    plan: Plan,
    *,
    device: str = "auto",
    say: Callable[[str], None],
    on_failure: Callable[[str, Exception], None],
) -> None:
    """Carry out every step, going on where an earlier run ended.

    Parameters
    ----------
    plan
        Checked by `reproduce.checks.check`.
    device
        Where rows are evaluated; where they are trained, their configuration says.
    say
        Is told what is begun.
    on_failure
        Is told of a row that failed, and why; the others are done all the same.

    `table.md` in the output folder is written again after every row.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C or a stop signal (SIGTERM) came; a training under way has saved its state.
    """
    plan.out.mkdir(parents=True, exist_ok=True)
    (plan.out / "results").mkdir(exist_ok=True)
    failed: dict[str, Exception] = {}
    with stop_signal_as_interrupt():
        for step in plan.steps:
            try:
                if step.training and step.training.name in failed:
                    raise failed[step.training.name]
                _do(plan, step, failed, device=device, say=say)
            except Exception as error:
                on_failure(step.row.name, error)
            write_table(plan)


def write_table(plan: Plan) -> None:
    """Write the table of what is there, Markdown."""
    with replacing(plan.out / "table.md") as temporary:
        temporary.write_text(table.as_markdown(plan.grid, figures(plan)), encoding="utf-8")


def figures(plan: Plan) -> dict[str, dict[str, float]]:
    """Give the mean errors of all rows of the grid whose results are complete, and not refused.

    Raises
    ------
    DatasetError
        A results file is damaged.
    """
    found = {step.row.name: results_of(plan, step) for step in plan.every}
    return {name: records.means() for name, records in found.items() if records}


def _do(
    plan: Plan,
    step: Step,
    failed: dict[str, Exception],
    *,
    device: str,
    say: Callable[[str], None],
) -> None:
    if step.training and not step.training.finished:
        try:
            _train(plan, step.training, say)
        except Exception as error:
            failed[step.training.name] = error
            raise
    _evaluate(plan, step, device=device, say=say)


def _train(plan: Plan, training: Training, say: Callable[[str], None]) -> None:
    prepare(training.foreground, plan.grid.train, say=say)
    training.check_unchanged()
    training.folder.mkdir(parents=True, exist_ok=True)
    with replacing(training.config_file) as temporary:
        temporary.write_text(write_yaml(training.config), encoding="utf-8")
    say(f"training {training.name} -> {training.folder}")
    code = train_in_a_process(training.config_file)
    if code:
        raise ConfigError(
            f"training {training.name} ended with code {code}; what it said stands above, "
            f"its configuration is {training.config_file}"
        )
    training.end_mark.touch()


def _evaluate(plan: Plan, step: Step, *, device: str, say: Callable[[str], None]) -> None:
    row = step.row
    done = complete_results(step.results)
    if done is not None:
        check_origin(done, plan, step)
        return
    say(f"evaluating {row.name} on {step.dataset} -> {step.results}")
    pictures = open_dataset(step.dataset, layout=step.table.layout)
    predictor, method = methods.lsamatting(
        step.weights,
        device=device,
        padding=step.padding,
        coarse_to_fine=False,
        refine=row.refine,
        tta=row.tta,
        name=row.name,
    )
    if step.training:
        # As seen from the output folder, so that the folder may be moved.
        method = replace(method, weights=f"{step.training.name}/{step.training.weights.name}")
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(row.name, total=len(pictures))

        def advance(_: TestPicture, records: Records) -> None:
            progress.update(task, completed=len(records.pictures))

        evaluate(
            pictures,
            predictor,
            step.results,
            method=method,
            trimap_levels=trimap_thresholds(step.padding),
            on_picture=advance,
        )
