"""Many comparisons at once: Holm's correction, and tiers of methods that are not told apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array


def holm(pvalues: ArrayLike) -> Array:
    """Holm's step-down adjusted p-values of one declared family, in the order given, (k,) -> (k,).

    The i-th smallest (i = 0, 1, ...) is multiplied by k - i, is at most 1, and is never below a
    smaller one's.
    """
    # statsmodels' multipletests gives the same values, but each call runs a full garbage collection
    # (.1 s when torch is loaded).
    values = np.asarray(pvalues, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            "p-values must be a list of numbers in 0..1; "
            "leave missing comparisons out of the family"
        )
    order = np.argsort(values)
    multiplied = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(multiplied))
    return adjusted


def tiers(
    scores: Mapping[str, float], adjusted: Mapping[tuple[str, str], float], *, alpha: float = 0.05
) -> dict[str, int]:
    """Group methods into tiers of ties, 1 the best: name -> tier, best first.

    `scores`: higher is better. Going down the ranking, a method opens a new tier when it differs
    significantly (adjusted p < alpha) from the first method of the present tier. `adjusted` holds
    each pair once, in either order; KeyError if one is missing.
    """
    best_first = sorted(scores, key=lambda name: (-scores[name], name))
    result: dict[str, int] = {}
    leader, tier = "", 0
    for name in best_first:
        if not leader or _of_pair(adjusted, leader, name) < alpha:
            leader, tier = name, tier + 1
        result[name] = tier
    return result


def _of_pair(adjusted: Mapping[tuple[str, str], float], a: str, b: str) -> float:
    return adjusted[(a, b)] if (a, b) in adjusted else adjusted[(b, a)]
