"""How probable it is that a method is the best of a leaderboard, from draws of all methods'
scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def first_probabilities(draws: ArrayLike) -> list[float]:
    """Share of the joint draws (B, M) in which each of M methods is first; higher is better.

    Joint: the scores of one row come from the same clusters and runs. A draw with a tie is divided
    among the tied. With few runs the draws must be widened, see `suite.stats.wide_draws`; the ranks
    that a method may have follow from tests, see `suite.stats.rank_sets`.
    """
    scores = np.asarray(draws, dtype=np.float64)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("draws must be a table (draws, methods) without missing values")
    first = scores == scores.max(axis=1, keepdims=True)
    shares = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return [float(share) for share in shares]
