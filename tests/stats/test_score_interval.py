"""Intervals of bounded numbers: within their range, never empty, and they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.stats import cluster_bootstrap, kappa, mean_interval_t, wilson
from suite.stats.score_interval import score_limits


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 13), st.integers(1, 100))
def test_within_the_range_and_never_empty(y: float, se: float, t: float, units: int) -> None:
    low, high = score_limits(y, se, t, units)
    assert 0 <= low <= y + 1e-9 and y - 1e-9 <= high <= 1
    if se > 1e-3:
        assert high > low


def test_of_independent_items_it_is_wilsons() -> None:
    known = wilson(7, 50)
    found = score_limits(0.14, (0.14 * 0.86 / 50) ** 0.5, 1.959964, 50)
    assert found == pytest.approx((known.low, known.high), abs=1e-6)


@pytest.mark.parametrize("share", [0.98, 0.9, 0.5])
@pytest.mark.parametrize("n_clusters", [5, 10, 20])
def test_shares_of_clustered_items_cover(share: float, n_clusters: int) -> None:
    """Items of a cluster agree (a beta distribution, intra-class correlation .25)."""
    rng = np.random.default_rng(n_clusters)
    ids = np.repeat(np.arange(n_clusters), 20)
    hits = 0
    for seed in range(400):
        of_clusters = rng.beta(3 * share, 3 * (1 - share), n_clusters)
        scores = (rng.random(len(ids)) < of_clusters[ids]).astype(float)
        found = cluster_bootstrap(scores, ids, n_resamples=200, seed=seed)
        assert found.low is not None and found.high is not None and found.low < found.high
        hits += found.low <= share <= found.high
    assert hits / 400 >= 0.92


def test_all_right_is_not_certain() -> None:
    found = cluster_bootstrap([1.0] * 100, np.repeat(np.arange(5), 20))
    assert found.low is not None and found.low < 0.7 and found.high == 1.0


def test_kappa_of_few_clusters_stays_in_its_range() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        a = rng.integers(0, 2, 12)
        b = np.where(rng.random(12) < 0.8, a, 1 - a)
        found = kappa(a.tolist(), b.tolist(), clusters=np.repeat(np.arange(3), 4)).kappa
        if found.low is not None and found.high is not None:
            assert -1 <= found.low <= found.high <= 1


def test_a_bounded_mean_stays_in_its_range() -> None:
    found = mean_interval_t([0.9, 0.99, 0.999], bounds=(0, 1))
    assert found.low is not None and found.high is not None
    assert 0 <= found.low < 0.963 < found.high <= 1
    assert mean_interval_t([0.9, 0.99, 0.999]).high > 1  # type: ignore[operator]
