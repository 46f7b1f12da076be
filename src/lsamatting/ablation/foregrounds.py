"""Re-estimated foregrounds, made for the trainings that want them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import track

from lsamatting.ablation.grid import ADOBES, Foreground
from lsamatting.data.layout import AimFolder
from lsamatting.errors import ConfigError
from lsamatting.replacing import replacing

_RECORD = "made_by.json"
"""In a folder of re-estimated foregrounds: the method that made them."""


def missing(foreground: Foreground, train: Path) -> list[tuple[Path, Path]]:
    """Give foreground and alpha of the pictures of a training set that are not there yet."""
    if foreground.method is None:
        return []
    pairs = AimFolder(train, foreground_folder=ADOBES.folder).pairs
    return [pair for pair in pairs if not _target(foreground, train, pair[0]).is_file()]


def check_method(foreground: Foreground, train: Path) -> None:
    """Refuse a folder whose foregrounds another method made.

    Raises
    ------
    ConfigError
        It is one.
    """
    record = train / foreground.folder / _RECORD
    if not record.is_file():
        return
    method = json.loads(record.read_text(encoding="utf-8")).get("method")
    if method != foreground.method:
        raise ConfigError(
            f"{record.parent}: holds foregrounds of the method {method}, not {foreground.method}; "
            f"give foregrounds.{foreground.name} another folder"
        )


def prepare(foreground: Foreground, train: Path, *, say: Callable[[str], None]) -> None:
    """Make the foregrounds of a training set that are not there yet.

    Raises
    ------
    ConfigError
        The folder holds those of another method, or cannot be made.
    LsamattingError
        A picture cannot be read or written.
    """
    pairs = missing(foreground, train)
    if not pairs:
        return
    check_method(foreground, train)
    folder = train / foreground.folder
    say(f"making {len(pairs)} foregrounds by {foreground.method} -> {folder}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / _RECORD) as temporary:
            temporary.write_text(json.dumps({"method": foreground.method}), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror or error})") from None
    console = Console(stderr=True)
    for colours, alpha in track(
        pairs,
        foreground.name,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ):
        _make(foreground, colours, alpha, _target(foreground, train, colours))


def _target(foreground: Foreground, train: Path, colours: Path) -> Path:
    return train / foreground.folder / f"{colours.stem}.png"


def _make(foreground: Foreground, colours: Path, alpha: Path, target: Path) -> None:
    from lsamatting.foreground.closed_form import closed_form_foreground
    from lsamatting.foreground.refine import Method, refine_foreground
    from lsamatting.images import best_depth, read_grey, read_picture, write_picture

    picture = read_picture(colours)
    opacity, _ = read_grey(alpha)
    if foreground.method == "closed-form":
        result = closed_form_foreground(picture.pixels, opacity)
    else:
        method = cast("Method", foreground.method)
        result = refine_foreground(picture.pixels, opacity, method=method)
    with replacing(target) as temporary:
        write_picture(temporary, result, depth=best_depth(target, picture.depth))
