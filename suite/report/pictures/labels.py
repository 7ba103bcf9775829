"""Names beside the points of a plot, so that no name covers another, or a point.

Each name takes the first free place around its point: near before far, right before left. A name
that is not next to its point is joined to it by a thin line. A name for which no place is free is
left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.report.colours import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

NEAR, FAR, STEP = 6.0, 150.0, 6.0
"""Distances of a name from its point that are tried, in points of 1/72 inch."""
DIRECTIONS = (0, 180, 90, 270, 45, 315, 135, 225, 22, 338, 158, 202, 67, 293, 113, 247)
"""Degrees, in the order in which they are tried."""
MARK = 5.0
"""Half the width of a mark, in points."""
SIZE = 8.0
"""Of the letters, in points."""


@dataclass(frozen=True)
class Box:
    """A rectangle in points."""

    x: float
    y: float
    """Its centre."""
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Say whether the two overlap."""
        return (
            abs(self.x - other.x) < (self.width + other.width) / 2
            and abs(self.y - other.y) < (self.height + other.height) / 2
        )

    def within(self, other: Box) -> bool:
        """Say whether it lies inside the other."""
        return (
            abs(self.x - other.x) <= (other.width - self.width) / 2
            and abs(self.y - other.y) <= (other.height - self.height) / 2
        )


def write_names(axes: Axes, names: Sequence[str], points: Sequence[tuple[float, float]]) -> None:
    """Write each name beside its point. The limits of the axes must be final."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "the axes are part of a figure"
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # else a name would move the axes, and its own point
    per_pixel = 72 / figure.dpi
    frame = _box(axes.get_window_extent(), per_pixel)
    places = [tuple(map(float, axes.transData.transform(p) * per_pixel)) for p in points]
    taken = [Box(x, y, 2 * MARK, 2 * MARK) for x, y in places]
    for name, point, (x, y) in zip(names, points, places, strict=True):
        text = axes.annotate(
            name, point, (0, 0), textcoords="offset points", ha="center", va="center",
            fontsize=SIZE, color=INK, zorder=4,
        )  # fmt: skip
        size = _box(text.get_window_extent(), per_pixel)
        text.remove()
        free = (box for box in _around(x, y, size) if box.within(frame))
        box = next((box for box in free if not any(map(box.meets, taken))), None)
        if box is None:
            continue
        taken.append(box)
        is_far = math.hypot(box.x - x, box.y - y) > NEAR + math.hypot(box.width, box.height) / 2
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
        axes.annotate(
            name, point, (box.x - x, box.y - y), textcoords="offset points",
            ha="center", va="center", fontsize=SIZE, color=INK, zorder=4,
            arrowprops=line if is_far else None,
        )  # fmt: skip


def _box(extent: Bbox, per_pixel: float) -> Box:
    x, y = (extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2
    return Box(x * per_pixel, y * per_pixel, extent.width * per_pixel, extent.height * per_pixel)


def _around(x: float, y: float, size: Box) -> Iterator[Box]:
    """Yield the places for a name of this size around a point, the best first."""
    distance = NEAR
    while distance <= FAR:
        for degrees in DIRECTIONS:
            right, up = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            # The nearer edge of the name, not its centre, has this distance.
            yield Box(
                x + right * (distance + size.width / 2),
                y + up * (distance + size.height / 2),
                size.width + 2,
                size.height,
            )
        distance += STEP
