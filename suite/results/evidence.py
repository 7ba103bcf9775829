"""How sure a comparison is, as results.json holds it: ranks with intervals, paired differences.

    "evidence": {
        "family": 6,
        "standings": [
            {"metric": "model_utility", "method": "npo", "tier": 1, "p_best": 0.71, ...}, ...
        ],
        "differences": [
            {"metric": "model_utility", "method": "npo", "other": "ga", "value": 0.4, ...}, ...
        ]
    }

It is computed from the cells' item scores (`suite.compare.stage`). The family, over which Holm
corrects, is declared here once for all tables: all pairs of methods on all headline metrics that
have a better and a worse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

ALPHA = 0.05
"""Differences with a corrected p below this are called real."""
DRAWS = 2000
"""Joint draws of clusters (and seeds) behind ranks and intervals."""


class _Closed:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Difference(_Closed):
    """One method's number minus another's, both on the same items."""

    metric: str
    method: str
    other: str
    value: float
    ci_low: float | None
    ci_high: float | None
    pvalue: float | None
    adjusted: float | None
    """p after Holm's correction; None outside the family (comparisons with the baseline model)."""
    n: int
    n_clusters: int
    note: str = ""


@dataclass(frozen=True)
class Standing(_Closed):
    """Where a method stands on one headline metric."""

    metric: str
    method: str
    value: float
    """The mean over seeds; of a p-value metric its KS statistic."""
    ci_low: float | None
    ci_high: float | None
    """Both limits are None where the statistic must not be bootstrapped.

    With several seeds they hold for a new seed and new clusters.
    """
    tier: int
    """1 the best; the methods of a tier do not differ significantly from its first."""
    p_best: float
    """Share of the draws in which it is first."""
    rank_low: int
    rank_high: int
    """95 % limits of its rank."""
    note: str = ""


@dataclass(frozen=True)
class Overall(_Closed):
    """Where a method stands on all headline metrics together."""

    p_front: float
    """Share of draws in which no other method dominates it."""
    rank_low: int
    rank_high: int


@dataclass(frozen=True)
class Evidence(_Closed):
    """Everything about one table."""

    family: int
    """Number of comparisons that are corrected together."""
    standings: tuple[Standing, ...] = ()
    differences: tuple[Difference, ...] = ()
    """Every pair of methods on every headline metric: the family."""
    to_baseline: tuple[Difference, ...] = ()
    """Every row minus the baseline model (retrain)."""
    overall: dict[str, Overall] = field(default_factory=dict)
    """By method; empty if a headline metric has no item scores."""
    hypervolume: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By method: 95 % limits of its hypervolume; empty if a metric must not be bootstrapped."""
    notes: tuple[str, ...] = ()
    """Which headline metrics are left out, and why."""

    def real(self, method: str, other: str) -> bool:
        """Whether the two differ, after correction, on some headline metric."""
        pair = {method, other}
        for difference in self.differences:
            if {difference.method, difference.other} != pair or difference.adjusted is None:
                continue
            if difference.adjusted < ALPHA:
                return True
        return False
