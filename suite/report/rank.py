"""Ranks by several metrics at once, so that a method cannot win on one by collapsing on another.

A row **dominates** another if it is at least as good on every headline metric and better on one.
The rows that no other row dominates are the Pareto front. Tiers follow from chains of rows in which
each row dominates the next by a difference that is more than chance: a row's tier is the length of
the longest chain that ends at it. (If it is not known which differences are more than chance, every
difference counts, and this is non-dominated sorting.) The rows of a tier tie; the reader chooses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Point = Sequence[float]
"""A row's headline metrics, each such that larger is better."""


@dataclass(frozen=True)
class Rank:
    """A row's place."""

    place: int
    """1 + the number of rows in better tiers."""
    tied: bool
    front: bool
    """Whether no other row dominates it."""


def dominates(a: Point, b: Point) -> bool:
    """Say whether `a` is at least as good as `b` on every metric and better on one."""
    pairs = list(zip(a, b, strict=True))
    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)


def ranks(
    points: Sequence[Point], real: Callable[[int, int], bool] = lambda i, j: True
) -> list[Rank]:
    """Rank the rows. `real(i, j)` says whether rows i and j differ by more than chance."""
    dominators = [_find_dominators(point, points) for point in points]
    tiers = _find_tiers(dominators, real)
    sizes = Counter(tiers)
    found = []
    for tier, above in zip(tiers, dominators, strict=True):
        better = sum(size for other, size in sizes.items() if other < tier)
        found.append(Rank(place=1 + better, tied=sizes[tier] > 1, front=not above))
    return found


def _find_dominators(point: Point, points: Sequence[Point]) -> list[int]:
    return [j for j, other in enumerate(points) if dominates(other, point)]


def _find_tiers(dominators: Sequence[Sequence[int]], real: Callable[[int, int], bool]) -> list[int]:
    """Return the tier of each row; 0 is the best."""
    tiers = [0] * len(dominators)
    # Domination is transitive, so a row has more dominators than each of its dominators has:
    # in this order their tiers are known before they are needed.
    for i in sorted(range(len(dominators)), key=lambda i: len(dominators[i])):
        for j in dominators[i]:
            tiers[i] = max(tiers[i], tiers[j] + real(j, i))
    return tiers


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
