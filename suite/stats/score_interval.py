"""Wilson's score interval of a bounded mean whose standard error is known, never outside its range.

The limits are the means pi that lie a t quantile away, with the variance that pi itself would have:

    |y - pi| = t sqrt(pi (1 - pi) / n_eff),    n_eff = y (1 - y) / se^2

(Wilson 1927; with a design effect, Korn & Graubard 1998 and Franco et al. 2019). At y = 0 or 1
there is no spread to be seen, so the clusters count as that many trials: the interval is never
empty.
"""

from __future__ import annotations


def score_limits(
    value: float, se: float, quantile: float, least_n: float, bounds: tuple[float, float] = (0, 1)
) -> tuple[float, float]:
    """Limits of a mean within `bounds`; `least_n`: independent units, where se is 0."""
    low, high = bounds
    width = high - low
    y = min(1.0, max(0.0, (value - low) / width))
    spread = y * (1 - y)
    # 1 / n_eff: no mean of [0, 1] varies more than a single trial of the same share.
    seen = min(1.0, se / width / spread**0.5) ** 2 if se > 0 and spread > 0 else 1 / least_n
    z2 = quantile**2 * seen
    middle = (y + z2 / 2) / (1 + z2)
    half = (z2 * spread + z2**2 / 4) ** 0.5 / (1 + z2)
    return low + width * max(0.0, middle - half), low + width * min(1.0, middle + half)


def share_limits(
    value: float, se: float, quantile: float, n: int, n_clusters: int
) -> tuple[float, float]:
    """Limits of a share of n items in few clusters, whose scores are 0 or 1.

    Near 0 and 1 the standard error itself is hardly known: one cluster holds all of the few
    exceptions, or none. So the effective number of items is drawn towards the clusters, by as much
    as if one further cluster's worth of exceptions had been seen.
    """
    spread = value * (1 - value)
    if se <= 0 or spread <= 0:
        return score_limits(value, 0.0, quantile, n_clusters)
    n_eff = min(float(n), spread / se**2)
    exceptions = min(value, 1 - value) * n * n_clusters / n
    weight = exceptions / (exceptions + 1)
    careful = 1 / (weight / n_eff + (1 - weight) / min(n_eff, n_clusters))
    return score_limits(value, (spread / careful) ** 0.5, quantile, n_clusters)
