"""Trade-offs between several objectives: which points dominate which, hypervolume."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.stats.arrays import Array


def pareto(points: ArrayLike, directions: Sequence[int]) -> NDArray[np.bool_]:
    """Which of M points (..., M, K) no other dominates, (..., M).

    `directions`: +1 where higher is better, -1 where lower is. A point dominates another if it is
    at least as good everywhere and better somewhere; so of equal points all stay.
    """
    result: NDArray[np.bool_] = ~_dominated(_upward(points, directions, np.ndim(points)))
    return result


def hypervolume(points: ArrayLike, reference: ArrayLike, directions: Sequence[int]) -> float:
    """Volume that M points (M, K) dominate above a fixed reference point (K,); exact, by slicing.

    A point that is not better than the reference in every objective adds nothing. The cost grows as
    M^(K-1): this is for a few dozen points and up to four objectives.
    """
    sides = _sides(points, reference, directions)
    return _volume(sides, sides)


def hypervolume_without_luck(
    points: ArrayLike, chosen_by: ArrayLike, reference: ArrayLike, directions: Sequence[int]
) -> float:
    """The same volume of points (M, K), where independent measurements of them say which counts.

    The union of noisy boxes is larger than that of the true ones, because in each place the
    luckiest box counts. Here `chosen_by` (M, K) decides which box counts where, and `points` how
    large it is. With errors that are independent this is not too large in the mean; it is too small
    by what a wrong choice costs. With chosen_by = points it is `hypervolume`.
    """
    sides = _sides(points, reference, directions)
    return _volume(sides, _sides(chosen_by, reference, directions))


def _sides(points: ArrayLike, reference: ArrayLike, directions: Sequence[int]) -> Array:
    """How far each point is beyond the reference, (M, K); 0 where it is not better."""
    corner = _upward(np.asarray(reference)[None], directions, 2)
    sides: Array = np.clip(_upward(points, directions, 2) - corner, 0.0, None)
    return sides


def _volume(points: Array, chosen_by: Array) -> float:
    """Volume of the union of the boxes [0, point].

    The union is cut into slabs along the last axis, at the height of each point. A slab's
    cross-section is the union of the boxes that reach as high, in one dimension less.
    """
    if len(points) == 0:
        return 0.0
    if points.shape[1] == 1:
        return float(points[chosen_by[:, 0].argmax(), 0])
    order = np.argsort(-chosen_by[:, -1], kind="stable")
    highest_first, choice = points[order], chosen_by[order]
    next_height = np.append(highest_first[1:, -1], 0.0)
    thickness = highest_first[:, -1] - next_height
    volume = 0.0
    for index, thick in enumerate(thickness):
        if thick != 0:
            reaching = slice(index + 1)
            volume += float(thick) * _volume(highest_first[reaching, :-1], choice[reaching, :-1])
    return volume


def _dominated(points: Array) -> NDArray[np.bool_]:
    """Which points another one dominates; higher is better. Shape: (..., M, K) -> (..., M)."""
    mine, other = points[..., :, None, :], points[..., None, :, :]
    at_least_as_good = (other >= mine).all(axis=-1)
    better_somewhere = (other > mine).any(axis=-1)
    beaten: NDArray[np.bool_] = np.any(at_least_as_good & better_somewhere, axis=-1)
    return beaten


def _upward(points: ArrayLike, directions: Sequence[int], ndim: int) -> Array:
    """The points with every objective turned so that higher is better, or ValueError."""
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != ndim or array.shape[-1] != len(directions) or not np.isfinite(array).all():
        raise ValueError(
            f"expected finite points in {len(directions)} objectives, got shape {array.shape}"
        )
    if any(direction not in (-1, 1) for direction in directions):
        raise ValueError(f"directions must be +1 or -1, got {list(directions)}")
    return array * np.asarray(directions, dtype=np.float64)
