"""The picture of the trade-off between two headline metrics.

Every method is a mark with its name beside it. In a page, pointing at a mark, or at the method's
row of the table, shows the way that its training took.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.api.pictures import Tradeoff
from suite.api.scores import Metric
from suite.report.colours import LINE, MUTED
from suite.report.pictures.labels import write_names
from suite.report.pictures.marks import marker_of, paint_of
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    figure_of,
    finished_rows,
    name_of,
)
from suite.report.svg import report_style
from suite.report.table import Row, Table
from suite.report.values import Value, bars, value_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
"""(x, y) as drawn: a p-value is drawn as log10 p."""


@dataclass(frozen=True)
class Axis:
    """What one axis shows: the quantity that the table shows of a headline metric."""

    metric: str
    title: str
    direction: str
    """↑ or ↓."""
    is_p: bool

    @property
    def label(self) -> str:
        """What stands beside the axis."""
        return f"{'log10 p, ' if self.is_p else ''}{self.title} {self.direction}"


def tradeoff(table: Table, declared: Tradeoff, name: str) -> Iterator[Drawing]:
    """Draw one headline metric against another, at the final checkpoint.

    Only metrics with a better direction are drawn: without one there is no trade-off. `name` starts
    the identifiers of a picture, here and in the other functions that draw.
    """
    headlines = [declared.x or _headline(table, 1), declared.y or _headline(table, 0)]
    if not set(headlines) <= set(table.axes):
        return
    x, y = (_axis_of(table, headline) for headline in headlines)
    rows = [row for row in finished_rows(table) if _locate(row.values, x, y)]
    if not rows:
        return
    with report_style():
        yield _draw_tradeoff(table, rows, x, y, name)


def _headline(table: Table, place: int) -> str:
    return table.axes[place] if place < len(table.axes) else ""


def _axis_of(table: Table, headline: str) -> Axis:
    quantity = table.quantity(headline)
    title = name_of(table.heading(headline))
    return Axis(quantity, title, table.direction(quantity), table.is_p_value(quantity))


def _draw_tradeoff(table: Table, rows: Sequence[Row], x: Axis, y: Axis, name: str) -> Drawing:
    figure, axes = figure_of()
    points, titles = [], {}
    for row in rows:
        # The row of the page's table has the same number.
        number = table.rows.index(row)
        points.append(_draw_row(axes, table, row, x, y, number))
        titles[f"mark-{number}"] = _describe_row(row, x, y)
    _draw_front(axes, table, x, y)
    axes.margins(0.08)
    if y.is_p:
        _scale_log10_p(axes, [point[1] for point in points])
    axes.set_xlabel(x.label)
    axes.set_ylabel(y.label)
    axes.grid(color=LINE)
    _say_where_better(axes, x, y)
    write_names(axes, [ascii_label(row.method) for row in rows], points)
    return Drawing(figure, name, "tradeoff", _describe_tradeoff(table, x, y), titles)


def _draw_row(axes: Axes, table: Table, row: Row, x: Axis, y: Axis, number: int) -> Point:
    """Draw the final checkpoint with its interval, and the way there, which a page hides."""
    from matplotlib.lines import Line2D

    paint, marker = paint_of(table, row.method), marker_of(table, row.method)
    point = _locate(row.values, x, y)
    assert point is not None, "rows without a point are left out before"
    axes.errorbar(
        *point,
        xerr=bars(row.values[x.metric]),
        yerr=bars(row.values[y.metric]),
        fmt="none",
        ecolor=paint,
        elinewidth=0.9,
        alpha=0.35,
    )
    # A page shows the path that directly follows the mark pointed at, so the two are drawn in turn.
    axes.plot(
        *point,
        color=paint,
        marker=marker,
        markersize=11 if marker == "*" else 7,
        markeredgecolor="none",
        linestyle="none",
        zorder=3,
        gid=f"mark-{number}",
    )
    xs, ys = _read_path(row, x, y)
    # `add_artist` leaves the limits alone: a hidden line must not make the plot wider.
    axes.add_artist(Line2D(xs, ys, color=paint, linewidth=1.2, zorder=3, gid=f"path-{number}"))
    return point


def _read_path(row: Row, x: Axis, y: Axis) -> tuple[list[float], list[float]]:
    """Return the epochs of all seeds as one line, which is broken between seeds."""
    xs: list[float] = []
    ys: list[float] = []
    for result in row.cells:
        for epoch in result.trajectory:
            located = _locate_epoch(epoch.metrics, row.values, x, y)
            if located is not None:
                xs.append(located[0])
                ys.append(located[1])
        xs.append(math.nan)
        ys.append(math.nan)
    return xs, ys


def _describe_row(row: Row, x: Axis, y: Axis) -> str:
    """Say what a mark stands for, to who points at it."""
    numbers = []
    for axis in (y, x):
        value = row.values[axis.metric]
        numbers.append(f"{axis.title} {value.text} {value.bounds}".rstrip())
    return f"{row.method}: {', '.join(numbers)}"


def _describe_tradeoff(table: Table, x: Axis, y: Axis) -> str:
    caption = (
        f"{y.title[:1].upper()}{y.title[1:]} against {x.title}, at the final checkpoint. Thin "
        "lines: the interval or the range over seeds, if known. Grey steps: the Pareto front. "
        "Point at a mark, or at a row of the table, to see the way of its training."
    )
    if table.front_volume is not None:
        caption += f" Hypervolume of all ranked methods together: {table.front_volume.text}."
    if y.is_p:
        caption += " Dashed: p = .05; above this line the test finds no difference."
    return caption


def _draw_front(axes: Axes, table: Table, x: Axis, y: Axis) -> None:
    """Join the final checkpoints that no other dominates, in the order of x."""
    points = []
    for row in table.front:
        point = _locate(row.values, x, y)
        if point is not None:
            points.append(point)
    if len(points) > 1:
        xs, ys = zip(*sorted(points), strict=True)
        # The step must stay on the dominated side of both points.
        steps = "steps-pre" if x.direction == "↑" else "steps-post"
        axes.plot(xs, ys, color=MUTED, linewidth=1, drawstyle=steps, zorder=1)


def _say_where_better(axes: Axes, x: Axis, y: Axis) -> None:
    """Point to the corner in which both quantities are best."""
    right, up = x.direction == "↑", y.direction == "↑"
    arrow = {(True, True): "↗", (True, False): "↘", (False, True): "↖", (False, False): "↙"}
    axes.set_title(
        f"better {arrow[right, up]}", loc="right" if right else "left", fontsize=8, color=MUTED
    )


def _locate_epoch(
    metrics: Mapping[str, float | None], like: Mapping[str, Value], x: Axis, y: Axis
) -> Point | None:
    """Locate an epoch. It knows only numbers; the units come from the final checkpoint, `like`."""
    named = {}
    for name, value in metrics.items():
        unit = like[name].unit if name in like else ""
        named[name] = Metric(name, value, None, unit)
    return _locate({axis.metric: value_of(named, axis.metric) for axis in (x, y)}, x, y)


def _locate(values: Mapping[str, Value], x: Axis, y: Axis) -> Point | None:
    place = []
    for axis in (x, y):
        value = values.get(axis.metric)
        if value is None or value.on_axis is None:
            return None
        place.append(value.on_axis)
    return place[0], place[1]


def _scale_log10_p(axes: Axes, ys: Sequence[float]) -> None:
    """Draw p = .05, and compress the axis if some p are extremely small."""
    axes.axhline(math.log10(0.05), color=MUTED, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)
    lowest = min(*ys, -1.5)
    if lowest >= -10:
        axes.set_ylim(1.15 * lowest, 0.08 * abs(lowest))
        return
    # On a linear axis, one collapsed model would flatten all others.
    axes.set_yscale("symlog", linthresh=1)
    ticks = [-tick for tick in (0, 1, 3, 10, 30, 100, 300) if tick <= 1.6 * abs(lowest)]
    axes.set_yticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(1.7 * lowest, 0.4)
