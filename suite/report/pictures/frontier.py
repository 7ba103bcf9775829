"""What is gained against what it costs: the papers' frontiers of reward against KL, for example.

There is one point for each run and evaluation step. The front joins the points that no other point
of the table dominates (more gain at the same or smaller cost).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from suite.api.pictures import Frontier
from suite.report.colours import MUTED
from suite.report.pictures.marks import marker_of, paint_of
from suite.report.pictures.plot import (
    Drawing,
    ascii_label,
    axis_label,
    figure_of,
    legend,
    name_of,
)
from suite.report.svg import report_style
from suite.report.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
"""(cost, gain)."""


def frontier(table: Table, declared: Frontier, name: str) -> Iterator[Drawing]:
    """Draw the frontier, if the rows of the table report both metrics."""
    points = {row.method: _collect_points(row, declared) for row in table.rows}
    every_point: list[Point] = []
    for found in points.values():
        every_point += found
    if not every_point:
        return
    with report_style():
        figure, axes = figure_of()
        for method, found in points.items():
            if found:
                _draw_points(axes, table, method, found)
        _draw_front(axes, front(every_point))
        axes.set_xlabel(axis_label(declared.x_label, declared.x))
        axes.set_ylabel(axis_label(declared.y_label, declared.y))
        legend(figure, axes)
        caption = declared.caption or _describe(declared)
        yield Drawing(figure, name, declared.kind, caption)


def _describe(declared: Frontier) -> str:
    x, y = name_of(declared.x), name_of(declared.y)
    return (
        f"{y.capitalize()} against {x}, with one point for each run and evaluation step. Dashed: "
        f"the front, the points with more {y} than any other point of the same or smaller {x}."
    )


def _draw_points(axes: Axes, table: Table, method: str, points: Sequence[Point]) -> None:
    xs, ys = zip(*points, strict=True)
    marker = marker_of(table, method)
    axes.plot(
        xs,
        ys,
        marker,
        color=paint_of(table, method),
        markersize=9 if marker == "*" else 5,
        alpha=0.8,
        markeredgewidth=0,
        label=ascii_label(method),
    )


def _draw_front(axes: Axes, points: Sequence[Point]) -> None:
    xs, ys = zip(*points, strict=True)
    axes.plot(
        xs,
        ys,
        color=MUTED,
        linestyle=(0, (4, 3)),
        linewidth=1,
        drawstyle="steps-post",
        zorder=1,
    )


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other dominates, by cost."""
    found: list[Point] = []
    # From small to large cost, a point is on the front if it gains more than all before it.
    for cost, gain in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or gain > found[-1][1]:
            found.append((cost, gain))
    return found


def _collect_points(row: Row, declared: Frontier) -> list[Point]:
    """Return every evaluation step of every seed; without a trajectory, the final numbers."""
    if row.state in ("failed", "diverged"):
        return []
    found = []
    for result in row.cells:
        steps = [point.metrics for point in result.trajectory]
        if not steps:
            steps = [{metric.name: metric.value for metric in result.metrics}]
        for metrics in steps:
            cost, gain = metrics.get(declared.x), metrics.get(declared.y)
            if cost is not None and gain is not None:
                found.append((cost, gain))
    return found
