"""Spread of a mean over several training seeds, each evaluated on the same clusters of items.

Seeds and clusters are crossed, not nested: every seed's model answers about the same authors. So
seeds and clusters are each resampled with replacement, and a draw's weight of a cell is the product
(Owen 2007, "pigeonhole bootstrap"); the items of a cell stay together, since resampling clusters
already carries their variation. Such draws are a little too wide where the seed-cluster interaction
dominates; their width is set right by the two-way analysis of variance

    V = (MS_seed + MS_cluster - MS_interaction) / (S C)

and a t quantile halfway between two known ones:

- Satterthwaite's is too short where few seeds differ much (at 20 clusters it covers .92 with three
  seeds, .87 with two).
- Cochran and Cox's, the variance-weighted mean square of t(S - 1) and t(C - 1), is too long where
  seeds and clusters matter alike (it covers up to .98).

In simulations the mean of the two covers .944 to .972 with three or five seeds and .93 to .976 with
two, whatever the variance is made of.
"""

from __future__ import annotations

import numpy as np

from suite.stats.arrays import Array
from suite.stats.interval import Spread

SMALLEST_P = 1e-12
"""Smaller p-values are not told apart."""


def two_way(deviations: Array, sd_draws: float, confidence: float) -> Spread:
    """Spread of the grand mean of an (S, C) table of deviations from it; S and C >= 2.

    Both seeds and clusters count as random. `sd_draws`: standard deviation of the bootstrap draws.
    """
    from scipy.stats import t

    n_seeds, n_clusters = deviations.shape
    rows = deviations.mean(axis=1, keepdims=True)
    columns = deviations.mean(axis=0, keepdims=True)
    rest = deviations - rows - columns
    squares = np.array(
        [n_clusters * (rows**2).sum(), n_seeds * (columns**2).sum(), (rest**2).sum()]
    )
    dfs = np.array([n_seeds - 1, n_clusters - 1, (n_seeds - 1) * (n_clusters - 1)])
    by_seed, by_cluster, interaction = squares / dfs / deviations.size
    # The difference may fall below either part by chance, although its true value cannot.
    variance = float(max(by_seed + by_cluster - interaction, by_seed, by_cluster))
    if variance == 0:
        return Spread(0.0, 0.0, 1.0)
    shares = np.array([variance - by_cluster, by_cluster]) / variance
    tail = (1 - confidence) / 2
    satterthwaite = t.isf(tail, 1 / (shares**2 / dfs[:2]).sum())
    cochran_cox = (shares * t.isf(tail, dfs[:2]) ** 2).sum() ** 0.5
    quantile = float(satterthwaite + cochran_cox) / 2
    return Spread(variance**0.5, quantile, variance**0.5 / sd_draws)


def two_way_pvalue(value: float, deviations: Array) -> float:
    """Two-sided p of a grand mean: 1 - the confidence at which the interval just reaches 0.

    At least `SMALLEST_P`.
    """
    from scipy.optimize import brentq

    def beyond(log_p: float) -> float:
        """How far the interval of confidence 1 - p stays away from 0; negative if it covers 0."""
        estimate = two_way(deviations, 1.0, -float(np.expm1(log_p)))
        return abs(value) - estimate.quantile * estimate.se

    least, most = float(np.log(SMALLEST_P)), -1e-9
    if value == 0 or beyond(most) <= 0:
        return 1.0
    log_p = least if beyond(least) > 0 else brentq(beyond, least, most)
    return float(np.exp(log_p))
