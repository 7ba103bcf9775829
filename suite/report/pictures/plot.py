"""What all pictures share: a drawing with its caption, size, labels and legend of a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from suite.report.colours import INK, LINE
from suite.report.svg import as_svg
from suite.report.table import Row, Table
from suite.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_WIDTH = 74
"""The number of characters that fit below a plot."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture and its caption."""

    figure: Figure
    name: str
    """Starts the identifiers of the picture in a page; unique there."""
    kind: str
    """Of the declared picture: tradeoff, trajectory, ..."""
    caption: str
    titles: dict[str, str] = field(default_factory=dict)
    """Identifier of an artist (`set_gid`) -> what a reader sees on pointing at it."""

    @cached_property
    def svg(self) -> str:
        """The picture for a page."""
        return as_svg(self.figure, self.name, self.caption, self.titles)


def finished_rows(table: Table) -> list[Row]:
    """Return the rows whose cells all finished."""
    return [row for row in table.rows if row.state in ("ok", "baseline", "partial")]


def figure_of(height: float = 4.0) -> tuple[Figure, Axes]:
    """Make one plot of the report's width; `height` in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, height), layout="constrained")
    return figure, figure.add_subplot()


def legend(figure: Figure, axes: Axes) -> None:
    """Put the legend below the plot, and the grid behind it.

    The figure grows with the rows of the legend, so that the plot keeps its size.
    """
    handles, labels = axes.get_legend_handles_labels()
    columns = next((n for n in (3, 2) if _measure_legend(labels, n) <= LEGEND_WIDTH), 1)
    extra_rows = max(0, math.ceil(len(labels) / columns) - 2)
    figure.set_figheight(figure.get_figheight() + 0.19 * extra_rows)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, labelcolor=INK)
    axes.grid(color=LINE)


def _measure_legend(labels: Sequence[str], columns: int) -> int:
    """Count the characters that a legend is wide; a mark takes about six."""
    # matplotlib fills the columns one after the other.
    rows = math.ceil(len(labels) / columns)
    width = 0
    for start in range(0, len(labels), rows):
        width += 6 + max(map(len, labels[start : start + rows]))
    return width


def name_of(metric: str) -> str:
    """Return a metric's name as words."""
    return ascii_label(metric.replace("_", " "))


def ascii_label(text: str, longest: int = 40) -> str:
    """Escape characters that the font may lack, and shorten the text to fit a legend."""
    return one_line(text).encode("ascii", "backslashreplace").decode()[:longest]


def axis_label(declared: str, metric: str) -> str:
    """Return the label of an axis: what was declared, otherwise the metric's name."""
    return ascii_label(declared, 80) if declared else name_of(metric)
