"""The JSON of the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lsamatting.choices import ForegroundMethod
from lsamatting.server.brush import BrushStroke
from lsamatting.server.finish import MOST_FEATHER, MOST_SHIFT, Finish
from lsamatting.server.sessions import SessionRecord
from lsamatting.server.tasks import MatteFacts, MatteOptions, TrimapFacts

Coordinate = Annotated[float, Field(ge=-1e5, le=1e6, allow_inf_nan=False)]
Radius = Annotated[float, Field(ge=0, le=1e4, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
WindowBody = tuple[int, int, int, int]


_STROKE: dict[str, Any] = {
    "points": [[310.5, 122.0, 6.0], [318.0, 140.5, 6.0]],
    "opacity": 0,
    "exact": False,
    "enabled": True,
    "hardness": 1,
}
_OPTIONS = {"weights": "lite", "refine": False, "tta": False, "foreground": "blur-fusion"}
_SESSION = "/v1/sessions/q3dJzS0mXb1w"


def _example(example: dict[str, Any], *, strict: bool = False) -> ConfigDict:
    return ConfigDict(
        json_schema_extra={"examples": [example]}, extra="forbid" if strict else "ignore"
    )


class Strict(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid")


class StrokeBody(Strict):
    """A line painted with a round brush."""

    model_config = _example(_STROKE, strict=True)

    points: list[tuple[Coordinate, Coordinate, Radius]] = Field(
        min_length=1,
        max_length=20000,
        description="x, y and radius of the brush, in pixels of the picture",
    )
    opacity: Share = Field(description="what the matte is there: 0 removes, 1 keeps")
    exact: bool = Field(
        False, description="change the painted pixels only, not what looks alike around them"
    )
    enabled: bool = True
    hardness: Share = Field(
        1, description="of an exact stroke: the share of the radius in which it counts in full"
    )

    @model_validator(mode="after")
    def _soft_ones_are_exact(self) -> StrokeBody:
        if self.hardness < 1 and not self.exact:
            raise ValueError("hardness below 1 goes with exact strokes")
        return self

    def stroke(self) -> BrushStroke:
        """Give what a worker takes."""
        return BrushStroke(
            tuple(self.points),
            self.opacity,
            exact=self.exact,
            enabled=self.enabled,
            hardness=self.hardness,
        )

    @classmethod
    def of(cls, stroke: BrushStroke) -> StrokeBody:
        """Tell of a stroke."""
        return cls(
            points=list(stroke.points),
            opacity=stroke.opacity,
            exact=stroke.exact,
            enabled=stroke.enabled,
            hardness=stroke.hardness,
        )


class StrokeChange(Strict):
    """What may change of a stroke."""

    enabled: bool


class OptionsBody(Strict):
    """How a matte is computed."""

    model_config = _example(_OPTIONS, strict=True)

    weights: str | None = Field(None, description="one of those that /health names", max_length=200)
    refine: bool = Field(False, description="refine by backpropagation")
    tta: bool = Field(False, description="average 24 runs")
    foreground: ForegroundMethod = Field(
        "blur-fusion", description="how the subject's colours are found"
    )

    def options(self, default: str) -> MatteOptions:
        """Give what a worker takes."""
        return MatteOptions(
            weights=self.weights or default,
            refine=self.refine,
            tta=self.tta,
            foreground=self.foreground,
        )


class FinishFields(BaseModel):
    """How a matte is finished."""

    shift: Annotated[float, Field(ge=-MOST_SHIFT, le=MOST_SHIFT, allow_inf_nan=False)] = 0
    feather: Annotated[float, Field(ge=0, le=MOST_FEATHER, allow_inf_nan=False)] = 0
    low: Share = 0
    high: Share = 1
    decontaminate: Share = 1

    def finish(self) -> Finish:
        """Give what a worker takes."""
        return Finish(**self.model_dump())


class FinishBody(Strict, FinishFields):
    """How a matte is finished, and nothing else."""

    model_config = _example(
        {"shift": -1.5, "feather": 0.5, "low": 0.05, "high": 0.95, "decontaminate": 1},
        strict=True,
    )


class MatteBody(BaseModel):
    """What was computed."""

    seconds: dict[str, float]
    notes: list[str]
    changed: WindowBody | None = Field(description="x, y, width and height of what changed")
    subject: WindowBody | None = Field(description="x, y, width and height of what is not empty")

    @classmethod
    def of(cls, facts: MatteFacts) -> MatteBody:
        """Tell of a matte."""
        return cls(
            seconds={name: round(value, 4) for name, value in facts.seconds.items()},
            notes=list(facts.notes),
            changed=facts.changed,
            subject=facts.subject,
        )


class TrimapBody(BaseModel):
    """How many pixels of a trimap are what."""

    model_config = _example(
        {"background": 61203, "unknown": 18940, "foreground": 55157, "warnings": []}
    )

    background: int
    unknown: int
    foreground: int
    warnings: list[str]

    @classmethod
    def of(cls, facts: TrimapFacts) -> TrimapBody:
        """Tell of a trimap."""
        return cls(
            background=facts.background,
            unknown=facts.unknown,
            foreground=facts.foreground,
            warnings=list(facts.warnings),
        )


class SessionBody(BaseModel):
    """An open picture."""

    model_config = _example(
        {
            "id": "q3dJzS0mXb1w",
            "name": "photo.jpg",
            "width": 451,
            "height": 300,
            "depth": 8,
            "linear": False,
            "notes": [],
            "trimap": True,
            "strokes": [_STROKE],
            "options": _OPTIONS,
            "revision": 2,
            "matte": {
                "seconds": {"priors": 0.31, "network": 0.12, "foreground": 0.03, "total": 0.47},
                "notes": [],
                "changed": [296, 104, 40, 52],
                "subject": [0, 0, 398, 300],
            },
            "links": {
                "self": _SESSION,
                "events": f"{_SESSION}/events",
                "picture": f"{_SESSION}/picture",
                "trimap": f"{_SESSION}/trimap",
                "alpha": f"{_SESSION}/alpha",
                "cutout": f"{_SESSION}/cutout",
                "foreground": f"{_SESSION}/foreground",
                "composite": f"{_SESSION}/composite",
            },
        }
    )

    id: str
    name: str
    width: int
    height: int
    depth: int = Field(description="bits per sample: 8, 16, or 32 (float)")
    linear: bool
    notes: list[str]
    trimap: bool = Field(description="whether it has one")
    strokes: list[StrokeBody]
    options: OptionsBody
    revision: int = Field(description="grows with every matte; 0 while there is none")
    matte: MatteBody | None
    links: dict[str, str]

    @classmethod
    def of(cls, record: SessionRecord) -> SessionBody:
        """Tell of a session."""
        facts = record.facts
        assert facts is not None
        here = f"/v1/sessions/{record.id}"
        layers = ["picture"]
        if record.trimap is not None:
            layers += ["trimap", "alpha", "cutout", "foreground", "composite"]
        return cls(
            id=record.id,
            name=record.picture.name,
            width=facts.width,
            height=facts.height,
            depth=facts.depth,
            linear=facts.linear,
            notes=list(facts.notes),
            trimap=record.trimap is not None,
            strokes=[StrokeBody.of(stroke) for stroke in record.strokes],
            options=OptionsBody(
                weights=record.options.weights,
                refine=record.options.refine,
                tta=record.options.tta,
                foreground=record.options.foreground,
            ),
            revision=record.revision,
            matte=None if record.matte is None else MatteBody.of(record.matte),
            links={"self": here, "events": f"{here}/events"}
            | {layer: f"{here}/{layer}" for layer in layers},
        )


class OpenedBody(SessionBody):
    """A session just opened; of a project with what the page had kept in it."""

    page: dict[str, Any] | None = None
    finish: FinishBody | None = None


class ProjectBody(Strict):
    """What a project keeps beside picture, trimap, strokes and options."""

    finish: FinishBody = FinishBody()
    page: dict[str, Any] | None = Field(None, description="whatever the page wants to keep")


class HealthBody(BaseModel):
    """Whether the server can work."""

    model_config = _example(
        {"status": "ready", "version": "0.1.0", "weights": ["lite"], "device": "cpu"}
    )

    status: Literal["ready", "loading"]
    version: str
    weights: list[str]
    device: str


class LoginBody(Strict):
    """The server's token."""

    token: str = Field(max_length=500)


class GivenBody(BaseModel):
    """A picture named on the command line."""

    number: int
    name: str
