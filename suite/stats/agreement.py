"""Do two judges agree, and do two classifiers differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from suite.stats.arrays import Array, Labels
from suite.stats.bootstrap import cluster_bootstrap, joint_bootstrap
from suite.stats.interval import Interval
from suite.stats.populations import Table

KappaWeights = Literal["linear", "quadratic"]


@dataclass(frozen=True)
class Agreement:
    """How far two raters agree, beyond chance and plainly."""

    kappa: Interval
    raw: Interval
    """Share of items with equal ratings."""


@dataclass(frozen=True)
class McNemar:
    """Paired right/wrong outcomes: only the items on which the two differ count."""

    only_a: int
    only_b: int
    pvalue: float


def kappa(
    a: Sequence[Any] | NDArray[Any],
    b: Sequence[Any] | NDArray[Any],
    weights: KappaWeights | None = None,
    *,
    categories: Sequence[Any] | None = None,
    clusters: Labels | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Agreement:
    """Cohen's kappa of two raters' n ratings, weighted if they are ordinal, with bootstrap intervals.

    `categories` names the whole scale in order; by default the ratings that occur, sorted. Kappa's value is
    None, with a note, where it is undefined (both raters always give the same one rating).
    """
    if len(a) != len(b) or len(a) == 0:
        raise ValueError(f"the ratings are not paired: {len(a)} against {len(b)}")
    scale = list(categories) if categories is not None else sorted({*a, *b})
    first, second = ([scale.index(rating) for rating in ratings] for ratings in (a, b))
    equal = (np.array(first) == np.array(second)).astype(float)
    raw = cluster_bootstrap(
        equal, clusters, n_resamples=n_resamples, seed=seed, confidence=confidence
    )
    if len({*first, *second}) < 2:
        return Agreement(
            replace(raw, value=None, low=None, high=None, note="both raters give one rating only"),
            raw,
        )
    cells = np.eye(len(scale) ** 2)[np.array(first) * len(scale) + np.array(second)]  # (n, K*K)
    tables = {str(cell): Table(cells[:, cell], clusters) for cell in range(cells.shape[1])}
    statistic = _kappa_of(len(scale), weights)
    interval = joint_bootstrap(
        tables, statistic, n_resamples=n_resamples, seed=seed, confidence=confidence
    )
    return Agreement(interval, raw)


def _kappa_of(size: int, weights: KappaWeights | None) -> Callable[[Mapping[str, Array]], Array]:
    """1 - observed / chance disagreement (weighted), from the shares of the K*K cells."""
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    cost = {None: (distance > 0).astype(float), "linear": distance, "quadratic": distance**2}[
        weights
    ]

    def statistic(shares: Mapping[str, Array]) -> Array:
        table = np.stack([shares[str(cell)] for cell in range(size * size)], axis=-1).reshape(
            -1, size, size
        )
        chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :]
        with np.errstate(invalid="ignore", divide="ignore"):
            result: Array = 1 - (table * cost).sum(axis=(1, 2)) / (chance * cost).sum(axis=(1, 2))
        return result

    return statistic


def mcnemar(
    a: Sequence[bool] | NDArray[np.bool_], b: Sequence[bool] | NDArray[np.bool_]
) -> McNemar:
    """Exact McNemar test on right/wrong outcomes of the same n independent items; p = 1 if none differ."""
    from scipy.stats import binomtest

    x, y = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if x.shape != y.shape:
        raise ValueError(f"the outcomes are not paired: {x.size} against {y.size}")
    only_a, only_b = int((x & ~y).sum()), int((~x & y).sum())
    differ = only_a + only_b
    return McNemar(only_a, only_b, float(binomtest(only_a, differ).pvalue) if differ else 1.0)
