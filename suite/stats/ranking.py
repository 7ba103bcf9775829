"""How sure the ranks of a leaderboard are, from bootstrap draws of all methods' scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Rank:
    """One method's rank, 1 the best."""

    p_best: float
    """Share of the draws in which it is first (draws with a tie for first are shared out)."""
    low: int
    high: int
    """Limits of its rank."""


def rank_probabilities(
    draws: ArrayLike, *, higher_is_better: bool = True, confidence: float = 0.95
) -> list[Rank]:
    """Summarise ranks over joint draws (B, M) of M methods; a row's scores share their resampled clusters."""
    scores = np.asarray(draws, dtype=np.float64)
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("draws must be a table (draws, methods) without missing values")
    scores = scores if higher_is_better else -scores
    ranks = 1 + (scores[:, None, :] > scores[:, :, None]).sum(
        axis=2
    )  # 1 + how many are strictly better
    first = ranks == 1
    p_best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ranks, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return [Rank(float(p), int(lo), int(hi)) for p, lo, hi in zip(p_best, low, high, strict=True)]
