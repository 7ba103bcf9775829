"""How far two raters (two judges, say) agree: Cohen's kappa and the share of equal ratings."""

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
    """How far two raters agree: corrected for chance (kappa) and plainly (raw)."""

    kappa: Interval
    raw: Interval
    """Share of items with equal ratings."""


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
    """Cohen's kappa of two raters' n ratings, with bootstrap intervals.

    `weights` are for ordinal ratings: a disagreement costs its distance, or the square.
    `categories` names the whole scale in order; by default it is the ratings that occur, sorted.
    Kappa is None, with a note, where it is undefined: both raters always give the same one rating.
    """
    if len(a) != len(b) or len(a) == 0:
        raise ValueError(f"the ratings are not paired: {len(a)} against {len(b)}")
    scale = list(categories) if categories is not None else sorted({*a, *b})
    size = len(scale)
    first = np.array([scale.index(rating) for rating in a])
    second = np.array([scale.index(rating) for rating in b])
    equal = (first == second).astype(float)
    raw = cluster_bootstrap(
        equal, clusters, n_resamples=n_resamples, seed=seed, confidence=confidence
    )
    if len({*first, *second}) < 2:
        note = "both raters give one rating only"
        return Agreement(replace(raw, value=None, low=None, high=None, note=note), raw)
    interval = joint_bootstrap(
        _cell_shares(first, second, size, clusters),
        _kappa_of(size, weights),
        n_resamples=n_resamples,
        seed=seed,
        confidence=confidence,
        bounds=(-1.0, 1.0),
    )
    return Agreement(interval, raw)


def _cell_shares(
    first: NDArray[np.int_], second: NDArray[np.int_], size: int, clusters: Labels | None
) -> dict[str, Table]:
    """Kappa is a function of the shares of the K*K cells (rating of a, rating of b).

    An item's row is 1 in its cell and 0 elsewhere, so the shares are means and `joint_bootstrap`
    can draw them.
    """
    cells = np.eye(size**2)[first * size + second]  # (n, K*K)
    return {str(cell): Table(cells[:, cell], clusters) for cell in range(size**2)}


def _kappa_of(size: int, weights: KappaWeights | None) -> Callable[[Mapping[str, Array]], Array]:
    """1 - observed / chance disagreement (weighted), from the shares of the K*K cells."""
    cost = _disagreement_costs(size, weights)

    def statistic(shares: Mapping[str, Array]) -> Array:
        in_order = [shares[str(cell)] for cell in range(size * size)]
        table = np.stack(in_order, axis=-1).reshape(-1, size, size)  # (B, K, K)
        of_first, of_second = table.sum(axis=2), table.sum(axis=1)
        chance = of_first[:, :, None] * of_second[:, None, :]
        observed_cost = (table * cost).sum(axis=(1, 2))
        chance_cost = (chance * cost).sum(axis=(1, 2))
        # A draw in which both raters give one rating is 0 / 0: NaN, which the bootstrap leaves out.
        with np.errstate(invalid="ignore", divide="ignore"):
            result: Array = 1 - observed_cost / chance_cost
        return result

    return statistic


def _disagreement_costs(size: int, weights: KappaWeights | None) -> Array:
    """What it costs that one rater chose i and the other j, (K, K); 0 on the diagonal."""
    distance = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    if weights == "linear":
        return distance
    if weights == "quadratic":
        return distance**2
    return (distance > 0).astype(float)
