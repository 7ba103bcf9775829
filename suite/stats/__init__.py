"""Statistics one can trust: pure functions on numpy arrays; scipy is imported when called.

Intervals `cluster_bootstrap`, `joint_bootstrap`, `hierarchical_bootstrap`, `wilson`, `mean_interval_t`;
comparisons `paired_difference`, `holm`, `tiers`, `rank_probabilities`; samples `ks_two_sample`,
`ks_permutation`; judges `kappa`, `mcnemar`, `length_controlled_win_rate`; trade-offs `harmonic_mean`,
`pareto`, `hypervolume`.
"""

from suite.stats.agreement import Agreement, McNemar, kappa, mcnemar
from suite.stats.bootstrap import (
    cluster_bootstrap,
    joint_bootstrap,
    joint_bootstrap_items,
    joint_means,
)
from suite.stats.hierarchical import hierarchical_bootstrap
from suite.stats.interval import Interval
from suite.stats.ks import KSResult, ks_two_sample
from suite.stats.length_control import length_controlled_win_rate
from suite.stats.means import harmonic_mean, harmonic_means
from suite.stats.moments import Moments
from suite.stats.multiple import holm, tiers
from suite.stats.paired import Difference, paired_difference
from suite.stats.pareto import hypervolume, p_non_dominated, pareto
from suite.stats.permutation import PermutationResult, ks_permutation, sign_flip
from suite.stats.populations import Table
from suite.stats.ranking import Rank, rank_probabilities
from suite.stats.rates import mean_interval_t, wilson

__all__ = [
    "Agreement",
    "Difference",
    "Interval",
    "KSResult",
    "McNemar",
    "Moments",
    "PermutationResult",
    "Rank",
    "Table",
    "cluster_bootstrap",
    "harmonic_mean",
    "harmonic_means",
    "hierarchical_bootstrap",
    "holm",
    "hypervolume",
    "joint_bootstrap",
    "joint_bootstrap_items",
    "joint_means",
    "kappa",
    "ks_permutation",
    "ks_two_sample",
    "length_controlled_win_rate",
    "mcnemar",
    "mean_interval_t",
    "p_non_dominated",
    "paired_difference",
    "pareto",
    "rank_probabilities",
    "sign_flip",
    "tiers",
    "wilson",
]
