"""Permutation test of one model against several reference models, cluster by cluster.

If the model is like the references, it does not matter which of them gave the answers about an
author: any exchange of the models' labels within an author is as likely as the observed one. The
statistic is the median of the Kolmogorov-Smirnov distances to the references. The p-values of
single references are not averaged: they share the model, so their mean has no known distribution.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Codes, Labels, as_labels, as_values, chunks
from suite.stats.permutation import TOLERANCE, PermutationResult


def ks_exchange(
    values: ArrayLike,
    references: Sequence[ArrayLike],
    clusters: Labels,
    *,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> PermutationResult:
    """Test the median KS distance of `values` (n,) to each of `references` (n,), of the same items.

    A random sample of exchanges; p = (1 + as extreme) / (1 + sampled). Raises ValueError on None,
    NaN, other lengths, or no reference.
    """
    samples = [as_values(values, "values")]
    samples += [as_values(other, "references") for other in references]
    if len(samples) < 2 or len({len(sample) for sample in samples}) > 1:
        raise ValueError("references must hold at least one sample, each as long as values")
    codes = np.unique(as_labels(clusters, len(samples[0])), return_inverse=True)[1]
    below = _counts_below(samples, codes)
    models, authors, width = below.shape
    rng = np.random.default_rng(seed)
    unchanged = np.tile(np.arange(models), (1, authors, 1))
    observed = float(_median_distances(below, unchanged)[0])
    extreme = 0
    for rows in chunks(n_permutations, models * models * width, cells=1 << 22):
        dealt = rng.permuted(np.tile(np.arange(models), (rows, authors, 1)), axis=2)
        extreme += int((_median_distances(below, dealt) >= observed - TOLERANCE).sum())
    pvalue = (1 + extreme) / (1 + n_permutations)
    return PermutationResult(observed, pvalue, 1 + n_permutations, False)


def _counts_below(samples: Sequence[Array], codes: Codes) -> Array:
    """How many items of each model and cluster are <= each distinct pooled value:
    (models, clusters, P)."""
    grid, positions = np.unique(np.stack(samples), return_inverse=True)
    positions = positions.reshape(len(samples), -1)
    counts = np.zeros((len(samples), int(codes.max()) + 1, len(grid)))
    for model, places in enumerate(positions):
        np.add.at(counts[model], (codes, places), 1.0)
    return counts.cumsum(axis=2)


def _median_distances(below: Array, dealt: Codes) -> Array:
    """The median distance of the first label to the others, (B,).

    `dealt` (B, clusters, models): which model's answers each label holds in each cluster.
    """
    models = len(below)
    items = below[0, :, -1].sum()
    places = []
    for label in range(models):
        shares = np.zeros((len(dealt), below.shape[2]))
        for model in range(models):
            shares += (dealt[:, :, label] == model) @ below[model]
        places.append(shares / items)
    distances = [np.abs(places[0] - other).max(axis=1) for other in places[1:]]
    median: Array = np.median(distances, axis=0)
    return median
