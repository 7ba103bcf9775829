"""Many comparisons at once: Holm's correction."""

from __future__ import annotations

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
