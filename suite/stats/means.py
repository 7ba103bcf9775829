"""The harmonic mean, as TOFU's model utility uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suite.stats.arrays import Array, as_values


def harmonic_mean(parts: Sequence[float | None]) -> float:
    """K / sum_k 1/x_k; 0 if one part is 0. Raises ValueError if a part is missing, not finite or negative."""
    values = as_values(parts, "parts")  # type: ignore[arg-type]
    return float(harmonic_means({str(k): values[k : k + 1] for k in range(len(values))})[0])


def harmonic_means(parts: Mapping[str, Array]) -> Array:
    """Elementwise harmonic mean of K arrays (B,); `joint_bootstrap` takes it as statistic."""
    stacked = np.stack(list(parts.values()))  # (K, B)
    if (stacked < 0).any():
        raise ValueError("a harmonic mean needs parts that are not negative")
    with np.errstate(divide="ignore"):
        result: Array = len(stacked) / (1 / stacked).sum(axis=0)
    return result
