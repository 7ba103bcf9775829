"""Displaced pairs: how often training made even the preferred answer less likely.

Pairs are grouped by the edit distance between their two answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from suite.report.pictures import Picture, ascii_label, figure_of, legend, paint_of
from suite.report.svg import as_svg, report_style
from suite.report.table import Row, Table
from suite.report.values import bars

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BUCKETS = ("low", "medium", "high")
"""Groups by edit distance, as in the metrics `displaced_low`, ..."""


def displacement(table: Table, name: str) -> Iterator[Picture]:
    """Draw the bars of all methods for each group of pairs, if the table reports them."""
    rows = [row for row in table.methods if _reports_displacement(row)]
    if not rows:
        return
    with report_style():
        figure, axes = figure_of()
        width = 0.8 / len(rows)
        for number, row in enumerate(rows):
            # Beside each other, centred on the place of the group.
            offset = (number + 0.5) * width - 0.4
            _draw_bars(axes, row, offset, width, paint_of(table, row.method))
        axes.set_xticks(range(len(BUCKETS)), BUCKETS)
        axes.set(
            xlabel="edit distance between the two answers",
            ylabel="share of pairs displaced",
            ylim=(0, 1.02),
        )
        legend(figure, axes)
        caption = (
            "Displaced pairs: the share of pairs whose preferred answer became less likely than "
            "under the reference, by the edit distance between the two answers. Lines on the bars: "
            "the interval or the range over seeds, if known."
        )
        yield Picture(as_svg(figure, name, caption), caption)


def _reports_displacement(row: Row) -> bool:
    return any(f"displaced_{bucket}" in row.values for bucket in BUCKETS)


def _draw_bars(axes: Axes, row: Row, offset: float, width: float, paint: str) -> None:
    """Draw one method: a bar in each group that it has a value for."""
    places, heights, spreads = [], [], []
    for place, bucket in enumerate(BUCKETS):
        value = row.values.get(f"displaced_{bucket}")
        if value is not None and value.value is not None:
            places.append(place + offset)
            heights.append(value.value)
            spreads.append(bars(value))
    axes.bar(places, heights, 0.9 * width, color=paint, label=ascii_label(row.method))
    for x, height, spread in zip(places, heights, spreads, strict=True):
        if spread is not None:
            axes.errorbar(x, height, spread, fmt="none", ecolor=paint, elinewidth=1, capsize=2)
