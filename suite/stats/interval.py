"""Confidence limits from bootstrap draws that also hold with few clusters.

A percentile interval of C resampled clusters is too short for two reasons: the draws' variance is
(C - 1)/C of the right one, and a normal quantile stands where a t quantile belongs (a nominal 95 %
interval covers 93 % at C = 20, 90 % at C = 10). Both are repaired by reading the percentiles
further out, at the normal levels of

    z = t(confidence, df) * sqrt(C / (C - 1))      (Hesterberg 2015, "expanded percentile interval")

With several independently resampled populations the factor and df come from the leave-one-out
influences (Welch-Satterthwaite). Where fewer than ten draws would lie beyond a limit (up to seven
clusters with 2000 draws) the percentile cannot be read, and value -+ t * se is given instead: at 2
clusters that is very wide, as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from suite.stats.arrays import Array
from suite.stats.score_interval import score_limits, share_limits

BootstrapMethod = Literal["percentile", "bca"]
MIN_TAIL_DRAWS = 10
"""A percentile is read only if that many draws are expected beyond it."""
MIN_DEFINED = 0.95
"""Share of the draws on which the statistic must be defined."""
ROUNDING = 1e-12
"""A standard error below this share of the value is rounding: all clusters are equal."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; limits are None where `note` says why."""

    value: float | None
    """The estimate from the data themselves.

    None only where it is undefined (kappa of judges who always give one rating).
    """
    low: float | None
    high: float | None
    n: int
    """Items."""
    n_clusters: int
    """Independent units: clusters, prompts, or the items themselves."""
    note: str = ""


@dataclass(frozen=True)
class Spread:
    """How far an estimate may be off."""

    se: float
    quantile: float
    """The limits lie this many standard errors away: Student's t."""
    expansion: float
    """`se` over the standard deviation of the bootstrap draws.

    sqrt(C / (C - 1)) with one population.
    """
    acceleration: float = 0.0
    """BCa's a: a sixth of the skewness of the influences."""


def spread(influences: Sequence[Array], confidence: float) -> Spread:
    """Combine the influences of all clusters: one array (C_p,) for each population, C_p >= 2.

    A cluster's influence is how much it moves the estimate:
    u_i = (C - 1)/C * (mean of the leave-one-out estimates - the estimate without cluster i).
    Populations are resampled independently.
    """
    from scipy.stats import t

    sizes = np.array([len(u) for u in influences], dtype=np.float64)
    plain = np.array([float(u @ u) for u in influences])
    variances = plain * sizes / (sizes - 1)
    total = float(variances.sum())
    if total == 0:
        return Spread(0.0, 0.0, 1.0)
    shares = variances / total  # squares of the variances themselves might underflow
    df = 1 / float((shares**2 / (sizes - 1)).sum())
    scale = float(plain.sum()) ** 0.5
    skew = float(sum(((u / scale) ** 3).sum() for u in influences))
    quantile = float(t.isf((1 - confidence) / 2, df))
    expansion = (total / float(plain.sum())) ** 0.5
    return Spread(total**0.5, quantile, expansion, acceleration=skew / 6)


def with_limits(
    interval: Interval,
    draws: Array,
    estimate: Spread,
    method: BootstrapMethod = "bca",
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Fill in the limits from bootstrap draws (B,), NaN where the statistic was undefined.

    `bounds`: what the number cannot leave; limits from a t distribution could.
    """
    value = interval.value
    assert value is not None
    defined = draws[np.isfinite(draws)]
    if len(defined) < MIN_DEFINED * len(draws) or not np.isfinite(estimate.se):
        return replace(interval, note="undefined on too many of the resamples")
    if estimate.se <= ROUNDING * abs(value):
        return replace(interval, low=value, high=value, note="no spread between clusters")
    low, high = _limits(value, defined, estimate, method, bounds)
    return replace(interval, low=low, high=high)


def _limits(
    value: float,
    draws: Array,
    estimate: Spread,
    method: BootstrapMethod,
    bounds: tuple[float, float] | None,
) -> tuple[float, float]:
    from scipy.stats import norm

    z = np.array([-1.0, 1.0]) * estimate.quantile * estimate.expansion
    expected_beyond = norm.sf(z[1]) * len(draws)
    if expected_beyond < MIN_TAIL_DRAWS:
        if bounds is not None:
            return score_limits(value, estimate.se, estimate.quantile, 1, bounds)
        half_width = estimate.quantile * estimate.se
        return value - half_width, value + half_width
    if method == "bca":
        z = _bca(z, value, draws, estimate.acceleration)
    low, high = np.quantile(draws, norm.cdf(z))
    return float(low), float(high)


def _bca(z: Array, value: float, draws: Array, acceleration: float) -> Array:
    """Shift the levels for bias and skewness (Efron 1987): z0 + (z0 + z) / (1 - a (z0 + z))."""
    from scipy.stats import norm

    below = float(np.mean(draws < value) + np.mean(draws == value) / 2)
    # If all draws lie on one side of the value, z0 would be infinite.
    inside = np.clip(below, 1 / len(draws), 1 - 1 / len(draws))
    z0 = float(norm.ppf(inside))
    shifted: Array = z0 + (z0 + z) / np.maximum(1 - acceleration * (z0 + z), 1e-3)
    return shifted


def of_share(interval: Interval, value: float, estimate: Spread, confidence: float) -> Interval:
    """Fill in the limits of a share from its estimated spread."""
    from scipy.stats import t

    # Where all clusters are alike no quantile is known: it is that of the clusters.
    known = t.isf((1 - confidence) / 2, interval.n_clusters - 1)
    quantile = estimate.quantile if estimate.se else float(known)
    low, high = share_limits(value, estimate.se, quantile, interval.n, interval.n_clusters)
    return replace(interval, low=low, high=high)
