"""Trade-offs between several objectives: dominance, its probability, hypervolume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.stats.arrays import Array, Codes


def pareto(points: ArrayLike, directions: Sequence[int]) -> NDArray[np.bool_]:
    """Which of M points (M, K) no other dominates, (M,). `directions`: +1 where higher is better, -1 where
    lower.

    A point dominates another if it is at least as good everywhere and better somewhere; equal points both
    stay.
    """
    result: NDArray[np.bool_] = ~_dominated(_upward(points, directions, 2))
    return result


def p_non_dominated(draws: ArrayLike, directions: Sequence[int]) -> Array:
    """Share of B joint bootstrap draws (B, M, K) in which each method is non-dominated, (M,)."""
    result: Array = (~_dominated(_upward(draws, directions, 3))).mean(axis=0)
    return result


def pareto_places(draws: ArrayLike, directions: Sequence[int]) -> Codes:
    """Place of each of M methods in each of B draws (B, M, K): 1 + how many lie in better non-dominated layers."""
    points = _upward(draws, directions, 3)
    draws_by_methods = points.shape[:-1]
    places = np.zeros(draws_by_methods, dtype=np.intp)
    left = np.ones(draws_by_methods, dtype=bool)
    while left.any():
        # Whoever has its place already is put out of the way: nobody can be dominated by it.
        layer = left & ~_dominated(np.where(left[..., None], points, -np.inf))
        np.copyto(places, 1 + (~left).sum(axis=1, keepdims=True), where=layer)
        left &= ~layer
    return places


def hypervolume(points: ArrayLike, reference: ArrayLike, directions: Sequence[int]) -> float:
    """Volume that M points (M, K) dominate above a fixed reference point (K,); exact, by slicing.

    A point that is not better than the reference in every objective adds nothing. Cost grows as M^(K-1): for
    a few dozen points and up to four objectives.
    """
    best = _upward(points, directions, 2) - _upward(np.asarray(reference)[None], directions, 2)
    return _volume(best[(best > 0).all(axis=1)])


def _volume(points: Array) -> float:
    """Volume of the union of the boxes [0, point]: slabs along the last axis, each by its cross-section."""
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(points.max())
    order = points[np.argsort(-points[:, -1])]
    heights = order[:, -1] - np.append(order[1:, -1], 0.0)
    return sum(float(h) * _volume(order[: i + 1, :-1]) for i, h in enumerate(heights) if h > 0)


def _dominated(points: Array) -> NDArray[np.bool_]:
    """(..., M, K), higher is better -> (..., M)."""
    mine, other = points[..., :, None, :], points[..., None, :, :]
    beaten: NDArray[np.bool_] = np.any(
        (other >= mine).all(axis=-1) & (other > mine).any(axis=-1), axis=-1
    )
    return beaten


def _upward(points: ArrayLike, directions: Sequence[int], ndim: int) -> Array:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != ndim or array.shape[-1] != len(directions) or not np.isfinite(array).all():
        raise ValueError(
            f"expected finite points in {len(directions)} objectives, got shape {array.shape}"
        )
    if any(direction not in (-1, 1) for direction in directions):
        raise ValueError(f"directions must be +1 or -1, got {list(directions)}")
    return array * np.asarray(directions, dtype=np.float64)
