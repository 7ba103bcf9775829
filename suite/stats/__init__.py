"""Statistics as pure functions on numpy arrays; scipy is imported when called.

- intervals: `cluster_bootstrap`, `joint_bootstrap`, `wilson`, `mean_interval_t`
- comparisons of methods: `holm`, `first_probabilities`, `rank_sets`
- comparisons of samples: `ks_two_sample`, `ks_permutation`, `ks_exchange`, `auc`
- judges: `kappa`, `length_controlled_win_rate`
- trade-offs: `harmonic_means`, `pareto`, `hypervolume`,
  `hypervolume_without_luck`
"""

from suite.stats.agreement import Agreement, kappa
from suite.stats.auc import auc
from suite.stats.bootstrap import cluster_bootstrap, joint_bootstrap, joint_means
from suite.stats.interval import Interval
from suite.stats.ks import KSResult, ks_two_sample
from suite.stats.ks_exchange import ks_exchange
from suite.stats.length_control import length_controlled_win_rate
from suite.stats.means import harmonic_means
from suite.stats.moments import Moments
from suite.stats.multiple import holm
from suite.stats.pareto import hypervolume, hypervolume_without_luck, pareto
from suite.stats.permutation import PermutationResult, ks_permutation
from suite.stats.populations import Table
from suite.stats.rank_sets import rank_sets
from suite.stats.ranking import first_probabilities
from suite.stats.rates import mean_interval_t, wilson

__all__ = [
    "Agreement",
    "Interval",
    "KSResult",
    "Moments",
    "PermutationResult",
    "Table",
    "auc",
    "cluster_bootstrap",
    "first_probabilities",
    "harmonic_means",
    "holm",
    "hypervolume",
    "hypervolume_without_luck",
    "joint_bootstrap",
    "joint_means",
    "kappa",
    "ks_exchange",
    "ks_permutation",
    "ks_two_sample",
    "length_controlled_win_rate",
    "mean_interval_t",
    "pareto",
    "rank_sets",
    "wilson",
]
