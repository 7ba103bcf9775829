"""Spread of a mean over start models, training seeds and clusters of items, which are crossed.

    deviations  (A, S, C): A start models x S seeds of the method x C clusters, minus the grand mean

Every trained model answers about the same clusters, so an effect of a cluster is shared by all
models. All axes with two or more levels count as random. With MS_T the mean square of the effects
of a set T of axes, over the number of cells,

    V = sum over sets T of (-1)^(|T| + 1) MS_T        (two axes: MS_seed + MS_cluster - MS_both)

is unbiased for the variance of the grand mean (Searle, Casella & McCulloch 1992, chapter 4). It is
used with a t quantile halfway between two known ones:

- Satterthwaite's is too short where few seeds differ much (at 20 clusters it covers .92 with three
  seeds, .87 with two).
- Cochran and Cox's, the variance-weighted mean square of the axes' own quantiles, is too long where
  axes matter alike (it covers up to .98).

In simulations the mean of the two covers .944 to .972 with three or five seeds and .93 to .976 with
two. That holds for limits of 95 %; far out in the tail it does not, see `suite.stats.calibrated`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from suite.stats.arrays import Array
from suite.stats.interval import Spread

SMALLEST_P = 1e-12
"""Smaller p-values are not told apart."""


@dataclass(frozen=True)
class Variance:
    """Estimated variance of B grand means."""

    total: Array
    """(B,)."""
    shares: Array
    """What each axis contributes, (B, axes); a row adds up to 1."""
    dfs: Array
    """Degrees of freedom of each axis, (axes,)."""

    def quantile(self, p: float | Array) -> Array:
        """How many standard errors away a two-sided p lies, (B,)."""
        from scipy.stats import t

        half = np.asarray(p) / 2
        satterthwaite = t.isf(half, 1 / (self.shares**2 / self.dfs).sum(axis=-1))
        by_axis = np.stack([t.isf(half, df) for df in self.dfs], axis=-1)
        cochran_cox = (self.shares * by_axis**2).sum(axis=-1) ** 0.5
        result: Array = (satterthwaite + cochran_cox) / 2
        return result


def crossed_variance(deviations: Array) -> Variance:
    """Estimate the variances of B grand means from (B, A, S, C); one axis has 2 levels or more."""
    sizes = deviations.shape[1:]
    axes = [axis for axis, size in enumerate(sizes) if size > 1]
    total = np.zeros(len(deviations))
    alone: dict[int, Array] = {}
    for chosen in _subsets(axes):
        square = _mean_square(deviations, chosen)
        total = total + (-1) ** (len(chosen) + 1) * square
        if len(chosen) == 1:
            alone[chosen[0]] = square
    # The sum may fall below one of its parts by chance, although its true value cannot.
    own = np.stack([alone[axis] for axis in axes], axis=-1)
    total = np.maximum(total, own.max(axis=-1))
    dfs = np.array([sizes[axis] - 1.0 for axis in axes])
    return Variance(total, _shares(total, own, clusters=axes[-1] == len(sizes) - 1), dfs)


def _subsets(axes: list[int]) -> Iterator[tuple[int, ...]]:
    for size in range(1, len(axes) + 1):
        yield from itertools.combinations(axes, size)


def _mean_square(deviations: Array, axes: tuple[int, ...]) -> Array:
    """Mean square of the joint effects of some axes, over the number of cells, (B,)."""
    others = tuple(axis + 1 for axis in range(deviations.ndim - 1) if axis not in axes)
    effects = deviations.mean(axis=others, keepdims=True)
    for axis in axes:  # what each of them does alone is taken away
        effects = effects - effects.mean(axis=axis + 1, keepdims=True)
    levels = np.array([deviations.shape[axis + 1] for axis in axes])
    squares = (effects**2).sum(axis=tuple(range(1, deviations.ndim)))
    result: Array = squares / (levels - 1).prod() / levels.prod()
    return result


def _shares(total: Array, own: Array, clusters: bool) -> Array:
    """Clusters account for their own part; the axes of runs share the rest as their parts are."""
    safe = np.where(total > 0, total, 1.0)[:, None]
    if not clusters or own.shape[1] == 1:
        sums = own.sum(axis=1, keepdims=True)
        return np.where(sums > 0, own / np.where(sums > 0, sums, 1.0), 1 / own.shape[1])
    last = own[:, -1:] / safe
    runs = own[:, :-1]
    sums = runs.sum(axis=1, keepdims=True)
    split = np.where(sums > 0, runs / np.where(sums > 0, sums, 1.0), 1 / runs.shape[1])
    return np.concatenate([(1 - last) * split, last], axis=1)


def crossed_spread(deviations: Array, sd_draws: float, confidence: float) -> Spread:
    """Spread of the grand mean of one (A, S, C) table of deviations.

    `sd_draws`: standard deviation of the bootstrap draws.
    """
    estimate = crossed_variance(deviations[None])
    se = float(estimate.total[0]) ** 0.5
    if se == 0:
        return Spread(0.0, 0.0, 1.0)
    return Spread(se, float(estimate.quantile(1 - confidence)[0]), se / sd_draws)


def crossed_pvalue(value: float, deviations: Array) -> float:
    """Two-sided p of a grand mean: 1 - the confidence at which the interval just reaches 0.

    At least `SMALLEST_P`.
    """
    from scipy.optimize import brentq

    estimate = crossed_variance(deviations[None])
    se = math.sqrt(estimate.total[0])

    def beyond(log_p: float) -> float:
        """How far the interval of confidence 1 - p stays away from 0; negative if it covers 0."""
        quantile = float(estimate.quantile(math.exp(log_p))[0])
        return abs(value) - quantile * se

    least, most = math.log(SMALLEST_P), -1e-9
    if value == 0 or beyond(most) <= 0:
        return 1.0
    if beyond(least) > 0:
        return SMALLEST_P
    log_p = float(brentq(beyond, least, most))
    return math.exp(log_p)
