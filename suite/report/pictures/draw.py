"""From a declared picture to its drawings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from suite.api.pictures import (
    Bars,
    Curves,
    Distribution,
    Frontier,
    Picture,
    Tradeoff,
    Trajectory,
)
from suite.report.pictures.bars import bars
from suite.report.pictures.curves import learning_curves
from suite.report.pictures.distribution import distribution
from suite.report.pictures.frontier import frontier
from suite.report.pictures.plot import Drawing
from suite.report.pictures.tradeoff import tradeoff
from suite.report.pictures.trajectory import trajectory
from suite.report.table import Table
from suite.results.samples import Sample

Samples = Mapping[str, Sequence[Sample]]


def draw_pictures(table: Table, name: str, samples: Samples) -> list[Drawing]:
    """Draw what the table's benchmark declares, in its order; `name` starts all identifiers."""
    drawn: list[Drawing] = []
    for number, picture in enumerate(table.outputs.pictures, 1):
        drawn += _draw_picture(table, picture, f"{name}-p{number}", samples)
    return drawn


def _draw_picture(table: Table, picture: Picture, name: str, samples: Samples) -> Iterable[Drawing]:
    """Draw one declared picture; several drawings if it has several metrics, none without data."""
    match picture:
        case Tradeoff():
            return tradeoff(table, picture, name)
        case Trajectory():
            return trajectory(table, picture, name)
        case Curves():
            return learning_curves(table, name)
        case Frontier():
            return frontier(table, picture, name)
        case Distribution():
            return distribution(table, picture, name, samples)
        case Bars():
            return bars(table, picture, name)
    assert_never(picture)
