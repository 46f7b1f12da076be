"""One picture to be done, and what becomes of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

OUTPUTS = ("alpha", "cutout", "foreground", "composite", "overlay")
"""What can be written of a picture, by the names of options and of a manifest's columns."""


@dataclass(frozen=True)
class Job:
    """One picture, its guide, and the files to write."""

    image: str
    guide: str
    outputs: dict[str, str]
    """Addresses by the names in `OUTPUTS`."""

    is_mask: bool = False
    """The guide is a mask, from which the trimap is made."""

    pixels: int = field(default=0, compare=False)
    """About how many the picture has; 0 where nothing is known of it."""

    known: dict[str, str] | None = field(default=None, compare=False)
    """Digests of the image and the guide that its present outputs were made of, if there are any;
    nothing is done if they are the same."""

    @property
    def guide_kind(self) -> str:
        """What the guide is, in records and messages."""
        return "mask" if self.is_mask else "trimap"

    @cached_property
    def key(self) -> str:
        """What the job is known by in every run: a digest of its addresses."""
        return key_of(self.image, self.guide, self.guide_kind, self.outputs)


def key_of(image: str, guide: str, guide_kind: str, outputs: dict[str, str]) -> str:
    """Give the key of a job."""
    what = json.dumps([image, guide, guide_kind, sorted(outputs.items())])
    return hashlib.sha256(what.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Done:
    """A job came to a good end."""

    job: Job
    report: dict[str, Any]
    """What `Work.do` tells."""


@dataclass(frozen=True)
class Failed:
    """A job came to a bad end."""

    job: Job
    reason: str
    """In one line."""

    expected: bool = True
    """It is the input's fault, or the machine's; else it is a bug."""


Outcome = Done | Failed
