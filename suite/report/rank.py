"""Ranks by several metrics at once, so that a method cannot win on one by collapsing on another.

A row **dominates** another if it is at least as good on every headline metric and better on one.
The rows that no other row dominates are the Pareto front. A row is **certainly better** than
another if it dominates it by a difference that is more than chance. So a row has a set of ranks: at
best 1 + the number of rows that are certainly better, at worst the number of all rows - those that
it is certainly better than (`suite.stats.rank_sets`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = Sequence[float]
"""A row's headline metrics, each such that larger is better."""


@dataclass(frozen=True)
class Rank:
    """The ranks that a row may have."""

    place: int
    """The best one: 1 + the number of rows that are certainly better."""
    last: int
    """The worst one."""
    front: bool
    """Whether no other row dominates it."""

    @property
    def tied(self) -> bool:
        """Whether it may have several ranks."""
        return self.last > self.place

    @property
    def order(self) -> tuple[int, int, bool]:
        """The key to sort rows by; of equal sets the front comes first."""
        return self.place, self.last, not self.front

    @property
    def text(self) -> str:
        """The ranks as people read them: "2" or "1\u20134"."""
        return f"{self.place}\u2013{self.last}" if self.tied else str(self.place)


def dominates(a: Point, b: Point) -> bool:
    """Say whether `a` is at least as good as `b` on every metric and better on one."""
    pairs = list(zip(a, b, strict=True))
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


def ranks(
    points: Sequence[Point], real: Callable[[int, int], bool] = lambda i, j: True
) -> list[Rank]:
    """Rank the rows. `real(i, j)` says whether rows i and j differ by more than chance."""
    found = []
    for i, point in enumerate(points):
        above = [j for j, other in enumerate(points) if dominates(other, point)]
        below = [j for j, other in enumerate(points) if dominates(point, other)]
        better = sum(real(j, i) for j in above)
        worse = sum(real(i, j) for j in below)
        found.append(Rank(1 + better, len(points) - worse, front=not above))
    return found


def balance(points: Sequence[Point]) -> list[int]:
    """Return each row's worst place on a single metric: the order in which ties are listed.

    A balanced row comes before one that is first on one metric and last on another.
    """
    found = []
    for point in points:
        places = []
        for metric, value in enumerate(point):
            better = sum(other[metric] > value for other in points)
            places.append(1 + better)
        found.append(max(places))
    return found
