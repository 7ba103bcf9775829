"""Two methods on the same items: the difference of their means, its interval and its p-value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Labels, as_values, cluster_codes
from suite.stats.bootstrap import cluster_bootstrap
from suite.stats.permutation import sign_flip


@dataclass(frozen=True)
class Difference:
    """mean(a) - mean(b) over paired items."""

    value: float
    low: float | None
    high: float | None
    pvalue: float | None
    n: int
    n_clusters: int
    note: str = ""


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    clusters: Labels | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Difference:
    """Compare scores a and b of the same n items, in the same order.

    The interval is a cluster bootstrap of the differences. The p-value flips signs of whole clusters: under
    the null that the two methods are exchangeable within a cluster it is exact whatever the distribution, so
    with few clusters it may stay above .05 although the (t-widened) interval leaves out 0. Judge significance
    by the p-value, after Holm's correction. With one cluster limits and p-value are None.
    """
    x, y = as_values(a, "a"), as_values(b, "b")
    if len(x) != len(y):
        raise ValueError(f"the scores are not paired: {len(x)} against {len(y)} items")
    interval = cluster_bootstrap(
        x - y, clusters, n_resamples=n_resamples, seed=seed, confidence=confidence
    )
    codes, size = cluster_codes(clusters, len(x))
    pvalue = sign_flip(np.bincount(codes, x - y, size), seed=seed).pvalue if size > 1 else None
    value = float(np.mean(x - y))
    return Difference(value, interval.low, interval.high, pvalue, len(x), size, interval.note)
