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

It is computed from the cells' item scores (`suite.compare.stage`). The family of comparisons that
are corrected together is declared here once for all tables: all pairs of methods on all headline
metrics that have a better and a worse.
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
    """p after correction for the family; None outside the family (comparisons with the baseline
    model)."""
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
    """Its lowest possible rank; 1 for all where nothing was parted."""
    p_best: float
    """Share of the draws in which it is first; with few runs the draws are widened."""
    rank_low: int
    rank_high: int
    """The ranks that it may have. All sets hold the true ranks together, with 95 %."""
    note: str = ""


@dataclass(frozen=True)
class Overall(_Closed):
    """Where a method stands on all headline metrics together."""

    p_front: float
    """Share of draws in which no other method dominates it."""
    rank_low: int
    rank_high: int
    """1 + the methods that certainly dominate it, and M - those that it certainly dominates."""


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
    """Which headline metrics, methods and items are left out, and why; what no test could find."""
    starts: int = 0
    """Start models that every method was trained from; 0 in files that do not say."""
    seeds: int = 0
    """Seeds for each start model; 0 in files that do not say."""
    claims: bool = True
    """Whether methods are parted; not with one run, whose spread over runs is unknown."""
    untested: tuple[str, ...] = ()
    """Headline metrics without a test. A tier is a claim about every metric, so there is none."""
    of_interest: dict[str, float] = field(default_factory=dict)
    """Headline metric -> the smallest difference of interest."""
    by_labels: tuple[str, ...] = ()
    """Headline metrics corrected by permuting the methods' labels (max-T); the others by Holm."""

    def real(self, method: str, other: str) -> bool:
        """Whether the two differ on some headline metric, every one of which was tested."""
        if not self.claims or self.untested:
            return False
        pair = {method, other}
        found = [d for d in self.differences if {d.method, d.other} == pair]
        tested = [difference for difference in found if difference.adjusted is not None]
        if self.starts and len(tested) < len(self.of_interest):
            return False
        return any(d.adjusted is not None and d.adjusted < ALPHA for d in found)
