"""Cluster bootstrap of a mean, and of functions of several tables' means.

    parts = {
        "retain/rouge": Table(rouge, authors, "retain"),
        "retain/prob": Table(prob, authors, "retain"),
        "facts/rouge": Table(facts, None, "facts"),
    }
    joint_bootstrap(parts, harmonic_means)  # a draw: one set of authors for both retain tables

Tables of the same population hold scores of the same clusters: a draw gives a cluster the same
weight in all of them, which keeps their correlation. (Resampled independently, a harmonic mean's 95
% interval covers about 70 %.) Resampling whole clusters also carries the variation within them, so
items are not resampled a second time (Davison & Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Labels
from suite.stats.interval import BootstrapMethod, Interval, of_share, spread, with_limits
from suite.stats.populations import Population, Table, populations_of

MeansStatistic = Callable[[Mapping[str, Array]], Array]
"""Statistic of table means, vectorised: name -> (B,) to (B,)."""


def cluster_bootstrap(
    values: ArrayLike,
    clusters: Labels | None = None,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Interval of the mean over items of (n,) scores; whole clusters are resampled.

    Raises ValueError on None or NaN. With one cluster the limits are None. How the limits are made
    to cover with few clusters: see `suite.stats.interval`. A share (every score is 0 or 1) has a
    score interval with a design effect, see `suite.stats.score_interval`."""
    if np.isin(np.asarray(values, dtype=np.float64), (0.0, 1.0)).all():
        return _share(values, clusters, confidence)
    return joint_bootstrap(
        {"values": Table(values, clusters)},
        lambda means: means["values"],
        n_resamples=n_resamples,
        seed=seed,
        confidence=confidence,
        method=method,
    )


def _share(values: ArrayLike, clusters: Labels | None, confidence: float) -> Interval:
    (population,) = populations_of({"values": Table(values, clusters)})
    mean = float(population.means(np.ones((1, population.size)))["values"][0])
    result = _without_limits(mean, [population])
    if result.note:
        return result
    left_out = population.leave_one_out()["values"]
    size = population.size
    known = spread([(size - 1) / size * (left_out.mean() - left_out)], confidence)
    return of_share(result, mean, known, confidence)


def joint_bootstrap(
    tables: Mapping[str, Table],
    statistic: MeansStatistic,
    *,
    n_resamples: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    method: BootstrapMethod = "bca",
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Interval of a function of several tables' means (see `harmonic_means`), from joint draws.

    `bounds`: what the number cannot leave. n and n_clusters of the result add up the populations
    (n: the largest table of each).
    """
    populations = populations_of(tables)
    whole: dict[str, Array] = {}
    for population in populations:
        every_cluster_once = np.ones((1, population.size))
        whole |= population.means(every_cluster_once)
    result = _without_limits(float(statistic(whole)[0]), populations)
    if result.note:
        return result
    draws = statistic(joint_means(tables, n_resamples=n_resamples, seed=seed))
    influences = [_influences(statistic, whole, population) for population in populations]
    return with_limits(result, draws, spread(influences, confidence), method, bounds)


def joint_means(
    tables: Mapping[str, Table], *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, Array]:
    """Means of every table on each joint draw of clusters: name -> (n_resamples,)."""
    rng = np.random.default_rng(seed)
    means: dict[str, Array] = {}
    for population in populations_of(tables):
        blocks = [population.means(weights) for weights in population.weights(n_resamples, rng)]
        for name in population.names:
            means[name] = np.concatenate([block[name] for block in blocks])
    return {name: means[name] for name in tables}


def _without_limits(value: float, populations: Sequence[Population]) -> Interval:
    """The estimate; its note says whether limits cannot be had."""
    note = ""
    alone = [population.name for population in populations if population.size < 2]
    if alone:
        where = f" in {alone[0]!r}" if alone[0] else ""
        note = f"one cluster{where}: its spread cannot be estimated"
    n = sum(population.n for population in populations)
    n_clusters = sum(population.size for population in populations)
    return Interval(value, None, None, n, n_clusters, note)


def _influences(
    statistic: MeansStatistic, whole: Mapping[str, Array], population: Population
) -> Array:
    """How much each cluster of a population moves the statistic, (C,); see `spread`."""
    size = population.size
    # Other populations keep their means while one cluster after another is left out of this one.
    others = {name: np.repeat(mean, size) for name, mean in whole.items()}
    left_out = statistic({**others, **population.leave_one_out()})
    influences: Array = (size - 1) / size * (left_out.mean() - left_out)
    return influences
