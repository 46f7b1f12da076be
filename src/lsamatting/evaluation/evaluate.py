"""A method run over a test set, and its errors written down picture by picture."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lsamatting import __version__
from lsamatting.contact_sheet import Bytes
from lsamatting.data.truth import read_truth
from lsamatting.errors import ConfigError, MetricError
from lsamatting.evaluation import metrics, sheet
from lsamatting.evaluation.datasets import TestPicture, TestSet
from lsamatting.evaluation.methods import Mattes, Method, Predictor
from lsamatting.evaluation.records import MEASURES, PictureRecord, Records, RecordWriter
from lsamatting.images import Picture, read_grey, read_picture, write_grey
from lsamatting.picture_files import check_destination
from lsamatting.replacing import is_whole, replacing
from lsamatting.trimap import BACKGROUND, FOREGROUND, UNKNOWN, Trimap

DEFAULT_BAND = 15
"""Reach of the unknown band, in pixels, of trimaps that are made from true mattes."""

_FUNCTIONS = dict(
    zip(
        MEASURES,
        (metrics.sad, metrics.mse, metrics.mad, metrics.grad, metrics.conn),
        strict=True,
    )
)
_SAVED_BY = "made_by.json"
"""In a folder of saved mattes: the header of the results that they belong to."""

_PACKAGES = ("torch", "onnxruntime", "numpy", "opencv-python-headless", "numba", "pymatting")


@dataclass
class _Sample:
    """One picture as read; the image only when it is looked at."""

    files: TestPicture
    trimap: Trimap
    truth: NDArray[np.float32] | None
    as_stored: bool
    """Whether the image's colour profile is left alone: Adobe's script lets that of the background
    through into composites, and no evaluation code that others use converts it."""

    _image: Picture | None = field(default=None, repr=False)

    @classmethod
    def read(
        cls, files: TestPicture, band: float, levels: Mapping[str, int], *, as_stored: bool
    ) -> _Sample:
        truth = None if files.alpha is None else read_truth(files.alpha)
        if files.trimap is not None:
            trimap = Trimap.read(files.trimap, **levels)
        else:
            assert truth is not None  # a picture has a trimap or a truth to make it from
            trimap = Trimap.from_alpha(truth, band=band)
        return cls(files, trimap, truth, as_stored)

    @property
    def image(self) -> Picture:
        if self._image is None:
            self._image = read_picture(self.files.image, convert_profile=not self.as_stored)
            named = str(self.files.trimap or self.files.alpha)
            self.trimap.check_size(
                self._image.samples.shape[:2], str(self.files.image), called=named
            )
        return self._image


@dataclass(frozen=True)
class _Result:
    """What came of one picture."""

    record: PictureRecord
    sample: _Sample
    levels: NDArray[np.float32]
    """The matte as it was scored."""

    def row(self) -> Bytes:
        sample = self.sample
        assert sample.truth is not None  # only pictures with errors are shown
        return sheet.sheet_row(sample.image.pixels, sample.trimap, self.levels, sample.truth)


def evaluate(
    dataset: TestSet,
    predictor: Predictor | Mattes,
    output: str | Path,
    *,
    method: Method,
    band: float = DEFAULT_BAND,
    trimap_levels: Mapping[str, int] | None = None,
    save: str | Path | None = None,
    contact_sheet: str | Path | None = None,
    overwrite: bool = False,
    on_picture: Callable[[TestPicture, Records], None] | None = None,
    on_failure: Callable[[TestPicture, Exception], None] | None = None,
) -> Records:
    """Predict and measure every picture of a test set.

    Results are appended to a file as they come (`lsamatting.evaluation.records`). A run that was
    interrupted goes on with the pictures that are missing, provided that everything the file says
    of its origin is the same.

    Parameters
    ----------
    dataset
        From `lsamatting.evaluation.datasets.open_dataset`.
    predictor
        From picture and trimap to opacity, H×W float in [0, 1]; or mattes made elsewhere.
    output
        The results file; its folder must exist.
    method
        What the predictor is, for the file's header.
    band
        For pictures without trimap: see `Trimap.from_alpha`.
    trimap_levels
        What greys of trimaps mean, options of `Trimap.read` that differ from its defaults.
    save
        Folder for the mattes as they are scored: 8 bit, known pixels set, PNG named as the image,
        in a folder per group. Pictures whose matte is not there are predicted again.
        `made_by.json` in it says whose they are.
    contact_sheet
        File for a contact sheet of the pictures with the largest and the smallest MSE. It is drawn
        when the last picture is done; not if nothing was done and it is there. Rows are kept in
        memory; pictures that an earlier run has done are predicted again if they are to be shown,
        or read, if `save` has them.
    overwrite
        Start anew, whatever the results file and `save` hold.
    on_picture
        Is called after every picture.
    on_failure
        Is called with what a picture raised, and the next one is begun; else it is raised.

    Returns
    -------
    Records
        Of all pictures in the results file, also of those of an earlier run.

    Raises
    ------
    DatasetError
        The results file is not one, or belongs to another run.
    ConfigError
        There is nothing to do: no truth to compare with, and no folder to save to; or `save` is a
        folder that the pictures come from, or holds mattes of another run.
    LsamattingError
        A picture, trimap or matte cannot be read, or has no unknown pixel.
    """
    if not dataset.has_truth and (save is None or isinstance(predictor, Mattes)):
        raise ConfigError(
            f"{dataset.root}: has no true mattes to score with; --save a folder for predictions"
        )
    levels = trimap_levels or {}
    run = _Run(dataset, predictor, None if save is None else Path(save), band, levels)
    if contact_sheet is not None:
        check_destination(contact_sheet)
    header = _header(dataset, method, band, levels)
    saved_by = json.dumps(header, indent=2, sort_keys=True) + "\n"
    others = run.saved_by_others(saved_by)
    if others and not overwrite:
        raise ConfigError(
            f"{save}: holds mattes of another run, as {others[0].name}; choose another folder, or "
            "--overwrite"
        )
    with RecordWriter(output, header, overwrite=overwrite) as writer:
        run.claim_saved(saved_by, others)
        records = writer.records
        done = {record.key for record in records.pictures}
        pending = [p for p in dataset if p.key not in done or not run.is_saved(p)]
        if pending and not isinstance(predictor, Mattes):
            _warm_up(predictor)
        for picture in pending:
            try:
                result = run.measure(picture)
            except Exception as error:
                if on_failure is None:
                    raise
                on_failure(picture, error)
                continue
            if picture.key not in done:
                writer.add(result.record)
            if contact_sheet is not None:
                run.keep_rows(sheet.worst_and_best(records.pictures), result)
            if on_picture is not None:
                on_picture(picture, records)
    if contact_sheet is not None and (pending or not Path(contact_sheet).exists()):
        run.draw(Path(contact_sheet), sheet.worst_and_best(records.pictures), method.name)
    return records


class _Run:
    """What stays the same over the pictures, and the rows that the contact sheet may need."""

    def __init__(
        self,
        dataset: TestSet,
        predictor: Predictor | Mattes,
        save: Path | None,
        band: float,
        levels: Mapping[str, int],
    ) -> None:
        inputs = {f.parent.resolve() for p in dataset for f in (p.image, p.trimap, p.alpha) if f}
        if save is not None and any(p.in_folder(save).parent.resolve() in inputs for p in dataset):
            raise ConfigError(f"{save}: holds files of the test set; choose another folder")
        self.pictures = {picture.key: picture for picture in dataset}
        self.predictor = predictor
        self.save = save
        self.band = band
        self.levels = levels
        self.as_stored = dataset.layout == "composition-1k"
        self.rows: dict[sheet.Key, Bytes] = {}

    def saved_by_others(self, header: str) -> list[Path]:
        """Give the mattes of these pictures that lie where they are saved, but are another run's.

        They would be taken for this one's. `header` is that of this run.
        """
        if self.save is None:
            return []
        record = self.save / _SAVED_BY
        if record.is_file() and record.read_text(encoding="utf-8", errors="replace") == header:
            return []
        files = (picture.in_folder(self.save) for picture in self.pictures.values())
        return [file for file in files if file.is_file()]

    def claim_saved(self, header: str, others: Sequence[Path]) -> None:
        """Let the folder of mattes be this run's, without those of others."""
        if self.save is None:
            return
        try:
            for file in others:
                file.unlink()
            self.save.mkdir(parents=True, exist_ok=True)
            with replacing(self.save / _SAVED_BY) as temporary:
                temporary.write_text(header, encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError(f"{self.save}: cannot be written to ({reason})") from None

    def is_saved(self, picture: TestPicture) -> bool:
        return self.save is None or is_whole(picture.in_folder(self.save))

    def measure(self, files: TestPicture) -> _Result:
        sample = _Sample.read(files, self.band, self.levels, as_stored=self.as_stored)
        alpha, seconds = self._predict(sample)
        errors = {}
        if sample.truth is not None:
            errors = {
                name: function(alpha, sample.truth, sample.trimap.values)
                for name, function in _FUNCTIONS.items()
            }
        levels = _as_scored(alpha, sample.trimap)
        if self.save is not None:
            file = files.in_folder(self.save)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_grey(file, levels)
        record = PictureRecord(
            name=files.name,
            group=files.group,
            errors=errors,
            unknown=sample.trimap.counts.unknown,
            size=sample.trimap.size,
            seconds=seconds,
        )
        return _Result(record, sample, levels)

    def _predict(self, sample: _Sample) -> tuple[NDArray[Any], float | None]:
        if isinstance(self.predictor, Mattes):
            return self.predictor.read(sample.files), None
        image = sample.image
        start = time.perf_counter()
        alpha = self.predictor(image, sample.trimap)
        return alpha, time.perf_counter() - start

    def keep_rows(self, chosen: list[PictureRecord], result: _Result) -> None:
        """Draw the row of a picture if the contact sheet may show it; forget those it will not."""
        keys = {record.key for record in chosen}
        self.rows = {key: row for key, row in self.rows.items() if key in keys}
        if result.record.key in keys:
            self.rows[result.record.key] = result.row()

    def draw(self, path: Path, chosen: list[PictureRecord], title: str) -> None:
        for record in chosen:
            if record.key not in self.rows:
                self.rows[record.key] = self._again(self.pictures[record.key], record).row()
        if chosen:
            sheet.write_sheet(path, chosen, self.rows, title=title)

    def _again(self, files: TestPicture, record: PictureRecord) -> _Result:
        sample = _Sample.read(files, self.band, self.levels, as_stored=self.as_stored)
        if self.save is not None and self.is_saved(files):
            alpha: NDArray[Any] = read_grey(files.in_folder(self.save))[0]
        else:
            alpha, _ = self._predict(sample)
        return _Result(record, sample, _as_scored(alpha, sample.trimap))


def _as_scored(alpha: NDArray[Any], trimap: Trimap) -> NDArray[np.float32]:
    """Give the matte as the metrics see it: 8 bit, known pixels set."""
    if alpha.shape != trimap.values.shape:
        raise MetricError(
            f"the matte has shape {alpha.shape}, but the trimap has {trimap.values.shape}"
        )
    levels = metrics.to_8_bit(alpha)
    levels[trimap.background] = 0
    levels[trimap.foreground] = 255
    scored: NDArray[np.float32] = (levels / 255).astype(np.float32)
    return scored


def _warm_up(predictor: Predictor) -> None:
    """Run once on a small disc, so that nothing compiled or loaded once is counted as seconds."""
    rows, columns = np.mgrid[:64, :64]
    distance = np.hypot(rows - 32, columns - 32)
    marks = np.select([distance < 14, distance > 24], [FOREGROUND, BACKGROUND], UNKNOWN)
    inside = np.clip(20 - distance, 0, 1)[..., None]
    pixels = inside * (0.9, 0.7, 0.4) + (1 - inside) * (0.1, 0.2, 0.5)
    predictor(Picture(pixels.astype(np.float32)), Trimap(marks.astype(np.uint8)))


def _installed(packages: Sequence[str]) -> dict[str, str]:
    """Give the versions of those that are there; not all are needed by every method."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _header(
    dataset: TestSet, method: Method, band: float, levels: Mapping[str, int]
) -> dict[str, Any]:
    made = any(picture.trimap is None for picture in dataset)
    meant = "".join(f", {name.replace('_', ' ')} {value}" for name, value in levels.items())
    return {
        "dataset": {
            "name": dataset.name,
            "layout": dataset.layout,
            "pictures": len(dataset),
            "digest": dataset.digest(),
        },
        "protocol": {
            "trimaps": f"from alpha, band {band:g} px" if made else f"as given{meant}",
            "region": "unknown pixels of the trimap",
            "prediction": "8 bit, known pixels set to 0 and 1",
            "measures": {
                "SAD": "sum of absolute differences / 1000",
                "MSE": "mean squared difference",
                "MAD": "mean absolute difference",
                "Grad": "Deep Image Matting's, sigma 1.4, 9x9, / 1000",
                "Conn": "Deep Image Matting's, step 0.1, / 1000",
            },
        },
        "method": asdict(method),
        "versions": {
            "lsamatting": __version__,
            "python": platform.python_version(),
            **_installed(_PACKAGES),
        },
    }
