"""The picture of the trade-off between two headline metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from suite.api.pictures import Tradeoff
from suite.api.scores import Metric
from suite.report.numbers import percent
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    figure_of,
    finished_rows,
    legend,
    marker_of,
    name_of,
    paint_of,
)
from suite.report.svg import MUTED, as_svg, report_style
from suite.report.table import Row, Table
from suite.report.values import Value, bars, value_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
"""(x, y) as drawn: a p-value is drawn as log10 p."""


def tradeoff(table: Table, declared: Tradeoff, name: str) -> Iterator[Drawing]:
    """Draw one headline metric against another: every epoch, the final one, the baselines.

    Only metrics with a better direction are drawn: without one there is no trade-off. `name` starts
    the identifiers of a picture, here and in the other functions that draw.
    """
    y, x = declared.y or _axis(table, 0), declared.x or _axis(table, 1)
    if x not in table.axes or y not in table.axes:
        return
    rows = [row for row in finished_rows(table) if _locate(row.values, x, y)]
    if not rows:
        return
    with report_style():
        yield _draw_tradeoff(table, rows, x, y, name)


def _axis(table: Table, place: int) -> str:
    return table.axes[place] if place < len(table.axes) else ""


def _draw_tradeoff(table: Table, rows: Sequence[Row], x: str, y: str, name: str) -> Drawing:
    figure, axes = figure_of()
    for row in rows:
        _draw_row(axes, table, row, x, y)
    _draw_front(axes, table, x, y)
    is_p = table.is_p_value(y)
    if is_p:
        _scale_log10_p(axes, [_coordinate(row.values[y]) for row in rows])
    axes.set_xlabel(f"{name_of(x)} {table.direction(x)}")
    axes.set_ylabel(f"{'log10 p, ' if is_p else ''}{name_of(y)} {table.direction(y)}")
    legend(figure, axes)
    caption = _describe_tradeoff(table, rows, x, y)
    return Drawing(as_svg(figure, name, caption), caption)


def _describe_tradeoff(table: Table, rows: Sequence[Row], x: str, y: str) -> str:
    caption = (
        f"{name_of(y).capitalize()} against {name_of(x)}. Large marks: the final checkpoint, with "
        "its interval or its range over seeds if known. Small marks: earlier epochs. Grey line: "
        "the Pareto front."
    )
    if any(row.overall for row in rows):
        caption += (
            " In brackets: P(non-dominated), the share of draws in which no other method "
            "dominates the method."
        )
    if table.front_volume is not None:
        caption += f" Hypervolume of all ranked methods together: {table.front_volume.text}."
    if table.is_p_value(y):
        caption += " Dashed: p = .05; above this line the test finds no difference."
    return caption


def _draw_front(axes: Axes, table: Table, x: str, y: str) -> None:
    """Join the final checkpoints that no other dominates, in the order of x."""
    points = []
    for row in table.front:
        point = _locate(row.values, x, y)
        if point is not None:
            points.append(point)
    if len(points) > 1:
        xs, ys = zip(*sorted(points), strict=True)
        # The step must stay on the dominated side of both points.
        steps = "steps-pre" if table.direction(x) == "↑" else "steps-post"
        axes.plot(xs, ys, color=MUTED, linewidth=1, drawstyle=steps, zorder=1)


def _draw_row(axes: Axes, table: Table, row: Row, x: str, y: str) -> None:
    """Draw the epochs of each seed as a line, and the final checkpoint as a large mark."""
    paint = paint_of(table, row.method)
    marker = marker_of(table, row.method)
    for result in row.cells:
        xs, ys = [], []
        for epoch in result.trajectory:
            located = _locate_epoch(epoch.metrics, row.values, x, y)
            if located is not None:
                xs.append(located[0])
                ys.append(located[1])
        axes.plot(xs, ys, color=paint, alpha=0.45, marker=".", markersize=4, linewidth=0.9)
    point = _locate(row.values, x, y)
    assert point is not None, "rows without a point are left out before"
    axes.errorbar(
        *point,
        xerr=bars(row.values[x]),
        yerr=bars(row.values[y]),
        fmt="none",
        ecolor=paint,
        elinewidth=1.1,
        capsize=2.5,
    )
    axes.plot(
        *point,
        color=paint,
        label=_label_with_certainty(row),
        marker=marker,
        markersize=11 if marker == "*" else 7,
        markeredgecolor="none",
        linestyle="none",
        zorder=3,
    )


def _label_with_certainty(row: Row) -> str:
    """Return a method's name with its P(non-dominated)."""
    label = ascii_label(row.method)
    if row.overall and row.rank:
        label += f" ({percent(row.overall.p_front)})"
    return label


def _locate_epoch(
    metrics: Mapping[str, float | None], like: Mapping[str, Value], x: str, y: str
) -> Point | None:
    """Locate an epoch. It knows only numbers; the units come from the final checkpoint, `like`."""
    named = {}
    for name, value in metrics.items():
        unit = like[name].unit if name in like else ""
        named[name] = Metric(name, value, None, unit)
    return _locate({name: value_of(named, name) for name in (x, y)}, x, y)


def _locate(values: Mapping[str, Value], x: str, y: str) -> Point | None:
    if x not in values or y not in values or values[x].value is None or values[y].value is None:
        return None
    return _coordinate(values[x]), _coordinate(values[y])


def _coordinate(value: Value) -> float:
    assert value.on_axis is not None, "only known values are drawn"
    return value.on_axis


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
