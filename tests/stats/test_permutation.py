"""Cluster-level permutation tests against enumeration by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from suite.stats import ks_permutation, ks_two_sample


def test_swaps_are_enumerated() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 4)), rng.normal(size=(5, 4)) + 0.7
    ids = np.repeat(list("vwxyz"), 4)
    distances = []
    for swap in itertools.product((False, True), repeat=5):
        mask = np.array(swap)[:, None]
        distances.append(
            ks_two_sample(np.where(mask, b, a).ravel(), np.where(mask, a, b).ravel()).statistic
        )
    result = ks_permutation(a.ravel(), b.ravel(), ids, ids)
    assert result.exact
    assert result.n_permutations == 16
    assert result.statistic == pytest.approx(distances[0], abs=1e-12)
    assert result.pvalue == pytest.approx(np.mean(np.array(distances) >= distances[0] - 1e-12))


def test_other_clusters_are_dealt_anew() -> None:
    rng = np.random.default_rng(1)
    sizes = [3, 5, 2, 4, 4, 3]
    parts = [rng.normal(loc=i > 3, size=size) for i, size in enumerate(sizes)]
    ids = [np.full(size, i) for i, size in enumerate(sizes)]
    distances = {}
    for chosen in itertools.combinations(range(6), 4):
        rest = [i for i in range(6) if i not in chosen]
        left, right = (np.concatenate([parts[i] for i in side]) for side in (chosen, rest))
        distances[chosen] = ks_two_sample(left, right).statistic
    observed = distances[0, 1, 2, 3]
    result = ks_permutation(
        np.concatenate(parts[:4]),
        np.concatenate(parts[4:]),
        np.concatenate(ids[:4]),
        np.concatenate(ids[4:]),
    )
    assert (result.exact, result.n_permutations) == (True, 15)
    assert result.pvalue == pytest.approx(
        np.mean(np.array(list(distances.values())) >= observed - 1e-12)
    )


@pytest.mark.parametrize("paired", [True, False])
def test_sampling_approaches_enumeration(paired: bool) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(8, 5)), rng.normal(size=(8, 5)) + 0.5
    left = np.repeat(np.arange(8), 5)
    right = left if paired else left + 8
    full = ks_permutation(a.ravel(), b.ravel(), left, right, n_permutations=20_000)
    some = ks_permutation(a.ravel(), b.ravel(), left, right, n_permutations=100)
    many = ks_permutation(
        a.ravel(), b.ravel(), np.append(left, []), np.append(right, []), n_permutations=20_000
    )
    assert full.exact
    assert not some.exact
    assert some.pvalue == pytest.approx(
        full.pvalue, abs=4 * (full.pvalue * (1 - full.pvalue) / 100) ** 0.5 + 0.01
    )
    assert many.pvalue == full.pvalue


def test_clustered_data_do_not_look_significant() -> None:
    """Authors differ, models do not:
    the classical p rejects far too often, the author-level one does not.
    """
    classical, clustered = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        ids = np.repeat(np.arange(10), 20)
        a = np.repeat(rng.normal(size=10), 20) + 0.3 * rng.normal(size=200)
        b = np.repeat(rng.normal(size=10), 20) + 0.3 * rng.normal(size=200)
        classical.append(ks_two_sample(a, b).pvalue < 0.05)
        clustered.append(
            ks_permutation(a, b, ids, ids + 10, n_permutations=400, seed=seed).pvalue < 0.05
        )
    assert np.mean(classical) > 0.6
    assert np.mean(clustered) < 0.15


def test_partly_shared_clusters_are_refused() -> None:
    with pytest.raises(ValueError, match="none in common"):
        ks_permutation([1.0, 2.0], [3.0, 4.0], ["x", "y"], ["y", "z"])
