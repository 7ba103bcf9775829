"""The area under the ROC curve of two sets of scores, with an interval over clusters of both.

AUC = P(a member's score is higher than another's), ties half: how well the score tells members of
the training data from others (.5: not at all). The clusters of the two sets are resampled
independently; how the limits are made: `suite.stats.interval`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import (
    Array,
    Codes,
    Labels,
    as_values,
    chunks,
    cluster_codes,
    resample_counts,
)
from suite.stats.interval import Interval, spread, with_limits


def auc(
    members: ArrayLike,
    others: ArrayLike,
    member_clusters: Labels | None = None,
    other_clusters: Labels | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """AUC of `members` (n,) over `others` (m,). n and n_clusters of the result add up both sets.

    Raises ValueError on None or NaN. Where the two sets do not overlap, or one is a single cluster,
    the limits are None.
    """
    x, y = as_values(members, "members"), as_values(others, "others")
    x_codes, x_size = cluster_codes(member_clusters, len(x))
    y_codes, y_size = cluster_codes(other_clusters, len(y))
    wins = _wins(x, x_codes, x_size, y, y_codes, y_size)
    pairs = np.outer(np.bincount(x_codes), np.bincount(y_codes)).astype(float)
    value = float(wins.sum() / pairs.sum())
    result = Interval(value, None, None, len(x) + len(y), x_size + y_size)
    if min(x_size, y_size) < 2:
        return replace(result, note="one cluster: its spread cannot be estimated")
    if value in (0.0, 1.0):
        return replace(result, note="the two sets do not overlap: no limits")
    rng = np.random.default_rng(seed)
    draws = []
    for size in chunks(n_resamples, x_size + y_size):
        of_x, of_y = resample_counts(rng, size, x_size), resample_counts(rng, size, y_size)
        draws.append(_weighted(of_x, of_y, wins) / _weighted(of_x, of_y, pairs))
    influences = [_influences(wins, pairs), _influences(wins.T, pairs.T)]
    found = spread(influences, confidence)
    return with_limits(result, np.concatenate(draws), found, bounds=(0.0, 1.0))


def _wins(x: Array, x_codes: Codes, x_size: int, y: Array, y_codes: Codes, y_size: int) -> Array:
    """How many pairs of a cluster of x and one of y the former wins, ties half: (Cx, Cy)."""
    wins = np.empty((x_size, y_size))
    for cluster in range(y_size):
        rivals = np.sort(y[y_codes == cluster])
        below = np.searchsorted(rivals, x, "left")
        not_above = np.searchsorted(rivals, x, "right")
        wins[:, cluster] = np.bincount(x_codes, (below + not_above) / 2, x_size)
    return wins


def _weighted(of_x: Array, of_y: Array, table: Array) -> Array:
    """Sum of a table (Cx, Cy) under weights of its rows (B, Cx) and columns (B, Cy): (B,)."""
    total: Array = ((of_x @ table) * of_y).sum(axis=1)
    return total


def _influences(wins: Array, pairs: Array) -> Array:
    """How much each cluster of the rows moves the AUC, (C,); see `spread`."""
    won, all_pairs = wins.sum(axis=1), pairs.sum(axis=1)
    left_out = (won.sum() - won) / (all_pairs.sum() - all_pairs)
    size = len(won)
    influences: Array = (size - 1) / size * (left_out.mean() - left_out)
    return influences
