"""Reward against KL: what a method gains, and how far it moves from the reference to gain it.

There is one point for each run and evaluation step, as in the papers' frontiers. The front joins
the points that no other point of the table dominates (more reward at the same or smaller KL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from suite.report.pictures import Picture, ascii_label, figure_of, legend, marker_of, paint_of
from suite.report.svg import MUTED, as_svg, report_style
from suite.report.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
"""(kl, reward)."""


def frontier(table: Table, name: str) -> Iterator[Picture]:
    """Draw the frontier, if the rows of the table report `kl` and `reward`."""
    points = {row.method: _collect_points(row) for row in table.rows}
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
        axes.set_xlabel("KL(policy || reference), nats per sequence")
        axes.set_ylabel("ground-truth reward")
        legend(figure, axes)
        caption = (
            "Reward against KL to the reference, with one point for each run and evaluation step. "
            "Dashed: the front, the points with more reward than any other point of the same or "
            "smaller KL."
        )
        yield Picture(as_svg(figure, name, caption), caption)


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
    """Return the points that no other dominates, by KL."""
    found: list[Point] = []
    # From small to large KL, a point is on the front if it has more reward than all before it.
    for kl, reward in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or reward > found[-1][1]:
            found.append((kl, reward))
    return found


def _collect_points(row: Row) -> list[Point]:
    """Return every evaluation step of every seed; without a trajectory, the final numbers."""
    if row.state in ("failed", "diverged"):
        return []
    found = []
    for result in row.cells:
        steps = [point.metrics for point in result.trajectory]
        if not steps:
            steps = [{metric.name: metric.value for metric in result.metrics}]
        for metrics in steps:
            kl, reward = metrics.get("kl"), metrics.get("reward")
            if kl is not None and reward is not None:
                found.append((kl, reward))
    return found
