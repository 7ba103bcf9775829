"""Reward against KL: what a method gains, and how far it moves from the reference to gain it.

One point for each run and evaluation step, as in the papers' frontiers; the front is drawn through the points that no
other point of the table dominates (more reward at no more KL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from suite.report.pictures import Picture, ascii_label, figure_of, legend, marker_of, paint_of
from suite.report.svg import MUTED, as_svg, report_style
from suite.report.table import Row, Table

Point = tuple[float, float]
"""(kl, reward)."""


def frontier(table: Table, name: str) -> Iterator[Picture]:
    """Draw the frontier of a table whose rows report `kl` and `reward`; `name` starts the picture's identifiers."""
    points = {row.method: found for row in table.rows if (found := _points(row))}
    if not points:
        return
    with report_style():
        figure, axes = figure_of()
        for row in table.rows:
            if row.method in points:
                paint = paint_of(table, row.method)
                xs, ys = zip(*points[row.method], strict=True)
                marker = marker_of(table, row.method)
                axes.plot(
                    xs,
                    ys,
                    marker,
                    color=paint,
                    markersize=9 if marker == "*" else 5,
                    alpha=0.8,
                    markeredgewidth=0,
                    label=ascii_label(row.method),
                )
        xs, ys = zip(*front([point for found in points.values() for point in found]), strict=True)
        axes.plot(
            xs,
            ys,
            color=MUTED,
            linestyle=(0, (4, 3)),
            linewidth=1,
            drawstyle="steps-post",
            zorder=1,
        )
        axes.set_xlabel("KL(policy || reference), nats a sequence")
        axes.set_ylabel("ground-truth reward")
        legend(figure, axes)
        caption = "Reward against KL to the reference, a point for each run and evaluation step. Dashed: the front, "
        caption += "the points with more reward than any other of no more KL."
        yield Picture(as_svg(figure, name, caption), caption)


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other dominates, by KL."""
    found: list[Point] = []
    for kl, reward in sorted(points, key=lambda point: (point[0], -point[1])):
        if not found or reward > found[-1][1]:
            found.append((kl, reward))
    return found


def _points(row: Row) -> list[Point]:
    """Every evaluation step of every seed; of a row without a course its final numbers."""
    if row.state in ("failed", "diverged"):
        return []
    found = []
    for result in row.cells:
        course = [point.metrics for point in result.trajectory]
        for metrics in course or [{metric.name: metric.value for metric in result.metrics}]:
            kl, reward = metrics.get("kl"), metrics.get("reward")
            if kl is not None and reward is not None:
                found.append((kl, reward))
    return found
