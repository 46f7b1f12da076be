"""Figures that others have printed, to stand beside ours: never mixed with what was measured here.

Figures are kept as they were printed, so that no table claims more digits than its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRow:
    """One method of a published table; measures that the table leaves out are missing."""

    method: str
    figures: Mapping[str, str]


@dataclass(frozen=True)
class PublishedTable:
    """A published table and what it is about."""

    source: str
    dataset: str
    layout: str
    """Of the dataset, as in `lsamatting.evaluation.datasets`."""

    pictures: int
    rows: tuple[PublishedRow, ...]

    @property
    def title(self) -> str:
        """What has to stand over the figures wherever they are shown."""
        return f"published figures ({self.dataset}), not ours"


def _row(method: str, figures: str) -> PublishedRow:
    printed = zip(("SAD", "MSE", "Grad", "Conn"), figures.split(), strict=True)
    return PublishedRow(method, {measure: figure for measure, figure in printed if figure != "-"})


TABLE_2 = PublishedTable(
    source="Improving Deep Image Matting via Local Smoothness Assumption, Table 2",
    dataset="Composition-1k",
    layout="composition-1k",
    pictures=1000,
    rows=(
        _row("Closed-form", "168.1 0.091 126.9 167.9"),
        _row("DIM", "50.4 0.014 31.0 50.8"),
        _row("IndexNet", "45.8 0.013 25.9 43.7"),
        _row("SampleNet", "40.4 0.0099 - -"),
        _row("Context-aware", "35.8 0.0082 17.3 33.2"),
        _row("GCA", "35.3 0.0091 16.9 32.5"),
        _row("HDMatt", "33.5 0.0073 14.5 29.9"),
        _row("A2U", "32.2 0.0082 16.4 29.3"),
        _row("TIMI-Net", "29.1 0.0060 11.5 25.4"),
        _row("SIM", "28.0 0.0058 10.8 24.8"),
        _row("FBA", "26.4 0.0054 10.6 21.5"),
        _row("FBA + TTA", "25.8 0.0052 10.6 20.8"),
        _row("LFPNet", "23.6 0.0041 8.4 18.5"),
        _row("LFPNet + TTA", "22.4 0.0036 7.6 17.1"),
        _row("LSANet (RF + CA)", "25.9 0.0054 9.25 21.5"),
        _row("LSANet (RF + CA + TTA)", "24.6 0.0045 8.13 19.9"),
    ),
)
"""Table 2 of the paper that this package follows."""
