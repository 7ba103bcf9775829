"""Several seeds: their spread is in the limits, and what they share is not counted twice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from suite.compare.number import Headline
from suite.compare.ranking import Joint
from suite.stats.clustered import Part, means


def limits(scores: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Limits of the mean of scores (S, n), as reports have them."""
    codes = np.unique(clusters, return_inverse=True)[1].astype(np.intp)
    sizes = {"": int(codes.max()) + 1}
    model = means([Part(scores, codes, "")], sizes, lambda found: found.mean(axis=-1))
    headline = Headline("score", 1, {"one": model})
    return Joint([headline], ["one"]).limits(headline)["one"]


def test_equal_seeds_say_no_more_than_one() -> None:
    """Three copies of one run hold no more information than the run."""
    rng = np.random.default_rng(10)
    values, ids = rng.random(200) + np.repeat(rng.random(20), 10), np.repeat(np.arange(20), 10)
    by_cluster = values.reshape(20, 10).mean(axis=1)
    half = t.isf(0.025, 19) * by_cluster.std(ddof=1) / 20**0.5
    found = limits(np.tile(values, (3, 1)), ids)
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.16 * half)


def test_seeds_that_differ_widen_the_limits() -> None:
    """Only seeds differ: the t interval of the S seed means."""
    by_seed = np.array([0.1, 0.4, 0.2])
    found = limits(np.repeat(by_seed[:, None], 40, axis=1), np.repeat(np.arange(8), 5))
    half = t.isf(0.025, 2) * by_seed.std(ddof=1) / 3**0.5
    assert found == pytest.approx((by_seed.mean() - half, by_seed.mean() + half))
