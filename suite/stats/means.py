"""The harmonic mean, as TOFU's model utility uses it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.stats.arrays import Array


def harmonic_means(parts: Mapping[str, Array]) -> Array:
    """Elementwise harmonic mean of K arrays (B,), 0 where one part is 0.

    It is a statistic for `joint_bootstrap`. Raises ValueError if a part is negative.
    """
    stacked = np.stack(list(parts.values()))  # (K, B)
    if (stacked < 0).any():
        raise ValueError("a harmonic mean needs parts that are not negative")
    with np.errstate(divide="ignore"):
        result: Array = len(stacked) / (1 / stacked).sum(axis=0)
    return result
