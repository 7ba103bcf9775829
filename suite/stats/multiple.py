"""Many comparisons at once: Holm's correction, and tiers of methods that are not told apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array


def holm(pvalues: ArrayLike) -> Array:
    """Holm's step-down adjusted p-values of one declared family, in the order given, (k,) -> (k,).

    The i-th smallest (i = 0, 1, ...) times k - i, at most 1, and never below a smaller one's.
    """
    # statsmodels' multipletests says the same, but runs a full garbage collection in each call (.1 s beside torch).
    values = np.asarray(pvalues, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            "p-values must be a list of numbers in 0..1; leave missing comparisons out of the family"
        )
    order = np.argsort(values)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(
        1, np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    )
    return adjusted


def tiers(
    scores: Mapping[str, float], adjusted: Mapping[tuple[str, str], float], *, alpha: float = 0.05
) -> dict[str, int]:
    """Group methods into tied tiers, 1 the best: name -> tier, best first. `scores`: higher is better.

    Going down the ranking, a method opens a new tier when it differs significantly (adjusted p < alpha) from
    the first method of the present tier. `adjusted` holds each pair once, in either order; KeyError if one is
    missing.
    """
    order = sorted(scores, key=lambda name: (-scores[name], name))
    result: dict[str, int] = {}
    leader, tier = "", 0
    for name in order:
        if not leader or _pair(adjusted, leader, name) < alpha:
            leader, tier = name, tier + 1
        result[name] = tier
    return result


def _pair(adjusted: Mapping[tuple[str, str], float], a: str, b: str) -> float:
    return adjusted[(a, b)] if (a, b) in adjusted else adjusted[(b, a)]
