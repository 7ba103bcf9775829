"""Intervals of proportions and of per-prompt scores whose items are independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import as_values
from suite.stats.interval import Interval
from suite.stats.score_interval import score_limits


def wilson(successes: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a proportion of n independent trials.

    Not for win rates judged in both orders: two verdicts on one prompt are not independent
    (coverage falls to .90). Use `mean_interval_t` on the per-prompt scores there.
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} trials")
    limits = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(limits.low), float(limits.high), n, n)


def mean_interval_t(
    values: ArrayLike,
    *,
    confidence: float = 0.95,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Student t interval of the mean of n independent scores.

    `bounds`: what no score can leave, e.g. (0, 1) for R2. The limits then stay within, as a score
    interval with the same standard error and quantile (`suite.stats.score_interval`).
    """
    from scipy.stats import t

    scores = as_values(values)
    n, mean = len(scores), float(scores.mean())
    if n < 2:
        return Interval(mean, None, None, n, n, "one item: its spread cannot be estimated")
    quantile = t.isf((1 - confidence) / 2, n - 1)
    half_width = float(quantile * np.std(scores, ddof=1) / n**0.5)
    if bounds is not None and half_width:
        limits = score_limits(mean, half_width / quantile, quantile, n, bounds)
        return Interval(mean, *limits, n, n)
    note = "" if half_width else "all scores are equal"
    return Interval(mean, mean - half_width, mean + half_width, n, n, note)
