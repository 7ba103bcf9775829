"""Ranks that several metrics share, so that nobody wins on one by collapsing on another.

A row **dominates** another if it is at least as good on every primary metric and better on one. Rows that
nothing dominates are the Pareto front: they share rank 1. Without them, the rows that nothing dominates come
next, and so on (non-dominated sorting). Rows of one layer tie: the choice is the reader's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = Sequence[float]
"""One row's primary metrics, larger is better."""


@dataclass(frozen=True)
class Rank:
    """A row's place."""

    place: int
    """1 + the number of rows in better layers."""
    tied: bool
    front: bool
    """Whether no other row dominates it."""


def dominates(a: Point, b: Point) -> bool:
    """Say whether `a` is at least as good everywhere and better somewhere."""
    return all(x >= y for x, y in zip(a, b, strict=True)) and any(x > y for x, y in zip(a, b, strict=True))


def layers(points: Sequence[Point]) -> list[list[int]]:
    """Split the rows' indices into non-dominated layers, best first."""
    left, found = list(range(len(points))), []
    while left:
        layer = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        found.append(layer)
        left = [i for i in left if i not in layer]
    return found


def ranks(points: Sequence[Point]) -> list[Rank]:
    """Give each row its rank."""
    found: dict[int, Rank] = {}
    for depth, layer in enumerate(layers(points)):
        place = len(found) + 1
        found.update({i: Rank(place, len(layer) > 1, depth == 0) for i in layer})
    return [found[i] for i in range(len(points))]


def balance(points: Sequence[Point]) -> list[int]:
    """Give each row the worst of its places on single metrics: the order in which ties are listed.

    A balanced row stands before one that is first on one metric and last on another.
    """
    return [max(1 + sum(other[m] > x for other in points) for m, x in enumerate(point)) for point in points]
