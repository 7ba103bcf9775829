"""What each run and each cluster adds to a model's number."""

from __future__ import annotations

import numpy as np

from suite.compare.number import Headline
from suite.stats.arrays import Array
from suite.stats.clustered import Clustered


def by_run_and_cluster(model: Clustered) -> Array:
    """Deviations from the number, whose mean is 0: (A, S, C), by start model, seed and cluster.

    A cluster's share is linear (its influence); the clusters of all populations stand side by side.
    """
    clusters = np.concatenate(list(model.influences().values()))  # (C, R)
    by_run = model.by_run()
    shape = (*by_run.shape, len(clusters))
    of_clusters = len(clusters) * clusters.T.reshape(shape)
    result: Array = (by_run - by_run.mean())[..., None] + of_clusters
    return result


def influences_of(headline: Headline, name: str, minus: str | None = None) -> list[Array]:
    """By how much each cluster moves the number or the difference, by population, (C,)."""
    mine = headline.models[name].influences()
    found = {population: moved.mean(axis=1) for population, moved in mine.items()}
    if minus is not None:
        for population, moved in headline.models[minus].influences().items():
            found[population] = found[population] - moved.mean(axis=1)
    return list(found.values())
