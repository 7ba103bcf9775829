"""The AUC of two sets against scikit-learn, and how often its interval covers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from suite.stats import auc

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30)


@given(scores, scores)
def test_the_value_is_scikit_learns_ties_included(members, others):
    truth = [1] * len(members) + [0] * len(others)
    found = auc(members, others, n_resamples=10)
    assert found.value == pytest.approx(roc_auc_score(truth, [*members, *others]))


@given(scores, scores, st.integers(1, 4))
def test_clusters_change_the_limits_and_not_the_value(members, others, size):
    clusters = [i // size for i in range(len(members))]
    grouped = auc(members, others, clusters, n_resamples=10)
    assert grouped.value == pytest.approx(auc(members, others, n_resamples=10).value)
    assert grouped.n_clusters == len(set(clusters)) + len(others)


def test_sets_that_do_not_overlap_have_no_limits():
    found = auc([3.0, 4.0], [1.0, 2.0])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert "do not overlap" in found.note


def test_one_cluster_has_no_limits():
    found = auc([1.0, 3.0], [2.0, 0.0], ["a", "a"])
    assert found.low is None
    assert "one cluster" in found.note


def test_a_missing_score_is_refused():
    with pytest.raises(ValueError, match=r"others\[1\]"):
        auc([1.0], [2.0, math.nan])


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "clusters"), [(0.0, 20), (0.8, 20), (0.8, 60)])
def test_the_interval_covers(shift, clusters):
    """Normal scores with a cluster effect; AUC = Phi(shift / sqrt(2) / their spread)."""
    rng = np.random.default_rng(7)
    per, effect = 5, 0.6
    spread = math.sqrt(1 + effect**2)
    truth = (1 + math.erf(shift / (2 * spread))) / 2
    codes = np.repeat(np.arange(clusters), per)
    trials, covered = 400, 0
    for trial in range(trials):
        members = shift + effect * rng.normal(size=clusters)[codes] + rng.normal(size=len(codes))
        others = effect * rng.normal(size=clusters)[codes] + rng.normal(size=len(codes))
        found = auc(members, others, codes, codes, n_resamples=1000, seed=trial)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / trials <= 0.98
