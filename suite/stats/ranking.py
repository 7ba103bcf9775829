"""How sure the ranks of a leaderboard are, from bootstrap draws of all methods' scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Rank:
    """One method's rank, 1 the best."""

    p_best: float
    """Share of the draws in which it is first; a draw with a tie is divided among the tied."""
    low: int
    high: int
    """The limits of its rank."""


def rank_probabilities(
    draws: ArrayLike, *, higher_is_better: bool = True, confidence: float = 0.95
) -> list[Rank]:
    """Summarise the ranks of M methods over joint draws (B, M).

    Joint: the scores of one row come from the same resampled clusters.
    """
    scores = np.asarray(draws, dtype=np.float64)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("draws must be a table (draws, methods) without missing values")
    scores = scores if higher_is_better else -scores
    strictly_better = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)  # how many
    ranks = 1 + strictly_better
    first = ranks == 1
    p_best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    tail = (1 - confidence) / 2
    # "inverted_cdf" gives ranks that occur, not numbers between two ranks.
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return [
        Rank(float(p), int(first_rank), int(last_rank))
        for p, first_rank, last_rank in zip(p_best, low, high, strict=True)
    ]
