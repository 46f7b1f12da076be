"""One picture after another by one model: what workers do, and `matte` with a single picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lsamatting.batch.addresses import STREAM, Fetched, fetch, named, save
from lsamatting.batch.doubt import doubt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lsamatting.batch.job import Job
    from lsamatting.batch.recipe import Recipe
    from lsamatting.images import Picture
    from lsamatting.matte import Matte
    from lsamatting.matting import Matting
    from lsamatting.trimap import Trimap

Strokes = Sequence[tuple["NDArray[np.bool_]", float]]


@dataclass(frozen=True)
class Work:
    """A recipe with its model loaded."""

    recipe: Recipe
    model: Matting
    strokes: Callable[[Picture], Strokes] | None = None
    """Reads corrections of the only picture."""

    _latest: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        *,
        strokes: Callable[[Picture], Strokes] | None = None,
        ahead: bool = False,
    ) -> Work:
        """Load the model of a recipe; `ahead`, while the first picture is read.

        Raises
        ------
        WeightsError, ConfigError, MissingExtraError
            As `Matting.from_pretrained`, or the runtime cannot refine and the recipe does.
        """
        model = recipe.model.load(ahead=ahead)
        if recipe.refine:
            model.runtime.check_refines()
        return cls(recipe, model, strokes)

    def do(
        self,
        job: Job,
        progress: Callable[[int, int], None] | None = None,
        *,
        account: bool = False,
    ) -> dict[str, Any]:
        """Make one matte and write its files.

        Parameters
        ----------
        job
            Which.
        progress
            Called with the runs or steps done and their number.
        account
            Tell what a later run wants to know: digests and stamps of the inputs, bytes written,
            processor time and `doubt`. If the digests are those that the job knows, nothing is
            computed and the report holds them and `unchanged` alone.

        Returns
        -------
        dict
            What was done, ready for JSON.
        """
        start, start_of_work = time.perf_counter(), time.process_time()
        image, guide = fetch(job.image), self._guide(job)
        inputs = {"image": _told(image), job.guide_kind: _told(guide)} if account else {}
        if job.known and job.known == {name: told["sha256"] for name, told in inputs.items()}:
            return {"unchanged": True, "inputs": inputs}
        picture = self.recipe.reading.picture(image)
        trimap = self._trimap(job, guide, picture)
        trimap.check_size(picture.samples.shape[:2], named(job.image), called=named(job.guide))
        read = time.perf_counter() - start
        result = self.model(
            picture,
            trimap,
            foreground=self.recipe.foreground_method if set(job.outputs) - {"alpha"} else "none",
            refine=self.recipe.refine,
            strokes=[] if self.strokes is None else self.strokes(picture),
            progress=progress,
        )
        start_of_writing = time.perf_counter()
        written = {
            name: save(address, partial(self._write, name, picture, result))
            for name, address in job.outputs.items()
        }
        end = time.perf_counter()
        seconds = {
            **{name: spent for name, spent in result.seconds.items() if name != "total"},
            "read": read + result.seconds.get("read", 0.0),
            "write": end - start_of_writing,
            "total": end - start,
        }
        width, height = picture.size
        report: dict[str, Any] = {
            "image": job.image,
            job.guide_kind: job.guide,
            "size": [width, height],
            "pixels": trimap.counts._asdict(),
            "outputs": job.outputs,
            "notes": [
                f"{named(job.guide if note.source == 'trimap' else job.image)}: {note}"
                for note in result.notes
            ],
            "refinement": [report.to_dict() for report in result.refinement],
            "seconds": {name: round(value, 4) for name, value in seconds.items()},
        }
        if account:
            report["inputs"] = inputs
            report["bytes"] = written
            report["doubt"] = round(doubt(result.alpha, result.trimap.unknown), 5)
            report["seconds"]["processor"] = round(time.process_time() - start_of_work, 4)
        return report

    def _guide(self, job: Job) -> Fetched:
        # Standard input is read once only, and what it holds may guide several pictures.
        if job.guide != STREAM:
            return fetch(job.guide)
        if "stream" not in self._latest:
            self._latest["stream"] = fetch(STREAM)
        held: Fetched = self._latest["stream"]
        assert not isinstance(held.source, Path)
        held.source.seek(0)
        return held

    def _trimap(self, job: Job, guide: Fetched, picture: Picture) -> Trimap:
        # One guide may serve thousands of frames.
        wanted = (job.guide, job.is_mask, guide.stamp)
        if self._latest.get("of") != wanted or self.recipe.guide.sees_picture(is_mask=job.is_mask):
            trimap = self.recipe.guide.read(guide, picture, is_mask=job.is_mask)
            self._latest.update(of=wanted, trimap=trimap)
        kept: Trimap = self._latest["trimap"]
        return kept

    def _write(
        self,
        kind: str,
        picture: Picture,
        result: Matte,
        target: Path | BinaryIO,
        suffix: str | None,
    ) -> None:
        recipe = self.recipe
        how: dict[str, Any] = {"depth": recipe.depth, "quality": recipe.quality, "suffix": suffix}
        if kind == "alpha":
            result.save(target, **how)
        elif kind == "cutout":
            result.save_cutout(target, **how)
        elif kind == "foreground":
            result.save_foreground(target, **how)
        elif kind == "composite":
            result.save_composite(target, recipe.backdrop, **how)
        elif kind == "overlay":
            from lsamatting.compositing.overlay import overlay
            from lsamatting.images import write_picture

            shown = result.composite(recipe.backdrop)
            sheet = overlay(picture.pixels, result.trimap.values, result.alpha, shown)
            write_picture(target, sheet, quality=recipe.quality, suffix=suffix)


def _told(file: Fetched) -> dict[str, Any]:
    return {"sha256": file.digest(), **(asdict(file.stamp) if file.stamp else {})}
