"""Groups of bars, a bar for each method: the same quantity on several parts of the data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from suite.api.pictures import Bars
from suite.report.numbers import listed
from suite.report.pictures.marks import paint_of
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    figure_of,
    legend,
    name_of,
)
from suite.report.svg import report_style
from suite.report.table import Row, Table
from suite.report.values import bars as distances

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bars(table: Table, declared: Bars, name: str) -> Iterator[Drawing]:
    """Draw the bars of all methods in each group, if the table reports one of the metrics."""
    metrics = tuple(declared.bars.values())
    rows = [row for row in table.methods if not row.values.keys().isdisjoint(metrics)]
    if not rows:
        return
    with report_style():
        figure, axes = figure_of()
        width = 0.8 / len(rows)
        for number, row in enumerate(rows):
            # Beside each other, centred on the place of the group.
            offset = (number + 0.5) * width - 0.4
            _draw_bars(axes, row, metrics, offset, width, paint_of(table, row.method))
        axes.set_xticks(range(len(metrics)), [ascii_label(group) for group in declared.bars])
        axes.set_xlabel(ascii_label(declared.x_label, 80))
        axes.set_ylabel(ascii_label(declared.y_label, 80))
        if declared.share:
            axes.set_ylim(0, 1.02)
        legend(figure, axes)
        caption = declared.caption or _describe(metrics)
        yield Drawing(figure, name, declared.kind, caption)


def _describe(metrics: tuple[str, ...]) -> str:
    names = listed([name_of(metric) for metric in metrics])
    return f"{names}. Lines on the bars: the interval or the range over seeds, if known."


def _draw_bars(
    axes: Axes, row: Row, metrics: tuple[str, ...], offset: float, width: float, paint: str
) -> None:
    """Draw one method: a bar in each group that it has a value for."""
    places, heights, spreads = [], [], []
    for place, metric in enumerate(metrics):
        value = row.values.get(metric)
        if value is not None and value.value is not None:
            places.append(place + offset)
            heights.append(value.value)
            spreads.append(distances(value))
    axes.bar(places, heights, 0.9 * width, color=paint, label=ascii_label(row.method))
    for x, height, spread in zip(places, heights, spreads, strict=True):
        if spread is not None:
            axes.errorbar(x, height, spread, fmt="none", ecolor=paint, elinewidth=1, capsize=2)
