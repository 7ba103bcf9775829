"""Draws of several methods' numbers that are as wide as few runs and few clusters leave them.

Resampling two seeds gives half of their variance and a normal tail where Student's t with one
degree of freedom belongs: P(best) says .98 where the method is best in .80 of the cases. So a draw
is the estimate, plus the spread over clusters, plus the spread over each axis of runs,

    + sqrt((C - 1) / chi2(C - 1)) sqrt(C / (C - 1)) (a bootstrap draw of clusters - their mean)
    + sqrt((k - 1) / chi2(k - 1)) sum_i g_i (mean of level i - mean) / sqrt(k (k - 1)),

with g normal and k the number of start models or of seeds. Each term is a multivariate t: the
posterior of a mean under a flat prior (Gelman et al. 2013, section 3.2). All methods share g and
chi2, so what a start model or a seed does to all of them drops out of every comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suite.stats.arrays import Array


@dataclass(frozen=True)
class Noise:
    """The random numbers of B draws, shared by all methods and metrics."""

    starts: Array
    """Scaled normal numbers, (B, A)."""
    seeds: Array
    """(B, S)."""
    clusters: Array
    """Scales of a bootstrap draw's deviation, (B,)."""

    @classmethod
    def drawn(
        cls, draws: int, starts: int, seeds: int, clusters: int, rng: np.random.Generator
    ) -> Noise:
        """Draw them for `starts` start models x `seeds` seeds, and so many clusters."""
        of_starts = _scaled_normals(draws, starts, rng)
        of_seeds = _scaled_normals(draws, seeds, rng)
        df = clusters - 1
        scale = (df / rng.chisquare(df, draws)) ** 0.5 if df else np.ones(draws)
        return cls(of_starts, of_seeds, scale * (clusters / max(1, df)) ** 0.5)

    def widened(self, by_run: Array, resampled: Array) -> Array:
        """Draws (B,) of the mean of by_run (A, S), from its draws of clusters (B,)."""
        result = by_run.mean() + self.clusters * (resampled - resampled.mean())
        for normals, axis in ((self.starts, 1), (self.seeds, 0)):
            means = by_run.mean(axis=axis)
            result = result + normals[:, : len(means)] @ (means - means.mean())
        return np.asarray(result)


def _scaled_normals(draws: int, levels: int, rng: np.random.Generator) -> Array:
    """Normal numbers over the root of a mean chi square and of k (k - 1), (B, k); 0 if k is 1."""
    if levels < 2:
        return np.zeros((draws, max(levels, 1)))
    scale = ((levels - 1) / rng.chisquare(levels - 1, (draws, 1))) ** 0.5
    result: Array = scale * rng.normal(size=(draws, levels)) / (levels * (levels - 1)) ** 0.5
    return result
