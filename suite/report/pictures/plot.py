"""What all pictures share: colours, marks and line styles of methods, size and legend of a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.report.svg import INK, LINE, PALETTE
from suite.report.table import Row, Table
from suite.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_WIDTH = 74
"""The number of characters that fit below a plot."""
_MARKERS = "osD^vPXp"
_DASHES = ("-", "--", "-.", ":")
_BASELINE_MARKERS = "*XP"
"""The model that methods are compared with has the first, other start models the next."""


@dataclass(frozen=True)
class Drawing:
    """A picture and its caption."""

    svg: str
    caption: str


def colour(table: Table, method: str) -> int | None:
    """Return the index of a method's colour in table and pictures; None for a baseline."""
    number = number_of(table, method)
    return None if number is None else number % len(PALETTE)


def number_of(table: Table, method: str) -> int | None:
    """Return the number of a method among those of its table, by name; None for a baseline."""
    names = sorted(row.method for row in table.methods)
    return names.index(method) if method in names else None


def marker_of(table: Table, method: str) -> str:
    """Return the mark of a method's points, the same in every picture."""
    number = number_of(table, method)
    if number is None:
        return _mark_baseline(table, method)
    # With more methods than colours, a colour comes with another mark the next time it is used.
    return _MARKERS[(number + number // len(PALETTE)) % len(_MARKERS)]


def _mark_baseline(table: Table, method: str) -> str:
    names = [row.method for row in table.baselines]
    names.sort(key=lambda name: name != table.comparison.baseline)
    place = names.index(method) if method in names else 0
    return _BASELINE_MARKERS[min(place, len(_BASELINE_MARKERS) - 1)]


def dashes_of(table: Table, method: str) -> str:
    """Return the line style of a method; methods of the same colour have different ones."""
    return _DASHES[(number_of(table, method) or 0) // len(PALETTE) % len(_DASHES)]


def paint_of(table: Table, method: str) -> str:
    """Return the colour of a method's marks; ink for a baseline."""
    index = colour(table, method)
    return INK if index is None else PALETTE[index]


def finished_rows(table: Table) -> list[Row]:
    """Return the rows whose cells all finished."""
    return [row for row in table.rows if row.state in ("ok", "baseline", "partial")]


def figure_of(height: float = 4.2) -> tuple[Figure, Axes]:
    """Make one plot of the report's width; `height` in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, height), layout="constrained")
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
