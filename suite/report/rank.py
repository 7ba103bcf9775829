"""Ranks that several metrics share, so that nobody wins on one by collapsing on another.

A row **dominates** another if it is at least as good on every primary metric and better on one. Rows that
nothing dominates are the Pareto front. A row's tier is the longest chain of rows above it, each dominating the next
by a difference that is more than chance (every difference, where that is not known: non-dominated sorting). Rows of
a tier tie: the choice is the reader's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = Sequence[float]
"""One row's primary metrics, larger is better."""


@dataclass(frozen=True)
class Rank:
    """A row's place."""

    place: int
    """1 + the number of rows in better tiers."""
    tied: bool
    front: bool
    """Whether no other row dominates it."""


def dominates(a: Point, b: Point) -> bool:
    """Say whether `a` is at least as good everywhere and better somewhere."""
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(
        x > y for x, y in zip(a, b, strict=True)
    )


def ranks(
    points: Sequence[Point], real: Callable[[int, int], bool] = lambda i, j: True
) -> list[Rank]:
    """Give each row its rank. `real(i, j)`: whether the difference of two rows is more than chance."""
    dominators = [
        [j for j, other in enumerate(points) if dominates(other, point)] for point in points
    ]
    tiers: dict[int, int] = {}
    for i in sorted(
        range(len(points)), key=lambda i: len(dominators[i])
    ):  # whoever dominates i comes before i
        tiers[i] = max((tiers[j] + real(j, i) for j in dominators[i]), default=0)
    sizes = Counter(tiers.values())
    return [
        Rank(
            1 + sum(n for tier, n in sizes.items() if tier < tiers[i]),
            sizes[tiers[i]] > 1,
            not dominators[i],
        )
        for i in range(len(points))
    ]


def balance(points: Sequence[Point]) -> list[int]:
    """Give each row the worst of its places on single metrics: the order in which ties are listed.

    A balanced row stands before one that is first on one metric and last on another.
    """
    return [
        max(1 + sum(other[m] > x for other in points) for m, x in enumerate(point))
        for point in points
    ]
