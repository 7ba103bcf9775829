"""Rank sets and P(best): by hand, and their coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from suite.compare.number import Headline
from suite.compare.ranking import Joint
from suite.stats.clustered import Part, means
from suite.stats.rank_sets import rank_sets
from suite.stats.ranking import first_probabilities
from suite.stats.wide_draws import Noise

CLUSTERS = 30
CODES = np.arange(CLUSTERS)


def test_by_hand() -> None:
    better = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    assert rank_sets(better) == [(1, 2), (1, 2), (3, 3)]
    assert rank_sets(np.zeros((4, 4))) == [(1, 4)] * 4


def joint(truths: np.ndarray, n_seeds: int, seed: int, of_interest: float = 0.0) -> Joint:
    """Methods whose true numbers are given; seeds and clusters both differ."""
    rng = np.random.default_rng(seed)
    models = {}
    shared = rng.normal(0, 0.2, CLUSTERS)
    for number, truth in enumerate(truths):
        values = truth + shared + 0.1 * rng.normal(size=(n_seeds, 1))
        values = values + 0.2 * rng.normal(size=CLUSTERS)
        values = values + 0.2 * rng.normal(size=(n_seeds, CLUSTERS))
        models[f"m{number}"] = means(
            [Part(values, CODES, "")], {"": CLUSTERS}, lambda found: found.mean(axis=-1)
        )
    headline = Headline("score", 1, models, of_interest=of_interest)
    return Joint([headline], list(models), seed)


def coverage(truths: np.ndarray, n_seeds: int, times: int) -> float:
    """How often all rank sets together hold the true ranks (of equals any order)."""
    best = 1 + (truths[None, :] > truths[:, None]).sum(axis=1)
    worst = len(truths) - (truths[None, :] < truths[:, None]).sum(axis=1)
    hits = 0
    for seed in range(times):
        found = list(joint(truths, n_seeds, seed).standings())
        low = np.array([standing.rank_low for standing in found])
        high = np.array([standing.rank_high for standing in found])
        hits += bool((low <= best).all() and (high >= worst).all())
    return hits / times


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [2, 3, 5])
@pytest.mark.parametrize("step", [0.0, 0.02, 0.5])
def test_all_sets_hold_the_true_ranks(n_seeds: int, step: float) -> None:
    assert coverage(step * np.arange(4.0), n_seeds, 200) >= 0.93


def test_methods_far_apart_are_parted() -> None:
    found = list(joint(np.array([0.0, 4.0, 8.0]), 5, 1).standings())
    assert [(s.rank_low, s.rank_high, s.tier) for s in found] == [(3, 3, 3), (2, 2, 2), (1, 1, 1)]


def claims(n_seeds: int, wide: bool, times: int = 4000) -> tuple[float, float]:
    """Of the methods said to be best with .9 or more: (mean P(best), how often they are)."""
    rng = np.random.default_rng(n_seeds)
    said, right = [], []
    for _ in range(times):
        truths = rng.normal(0, 0.3, 2)
        runs = truths[:, None] + 0.2 * rng.normal(size=(2, n_seeds))
        if wide:
            noise = Noise.drawn(500, 1, n_seeds, 20, rng)
            columns = [noise.widened(row[None], np.full(500, row.mean())) for row in runs]
        else:
            picks = rng.integers(0, n_seeds, (500, n_seeds))
            columns = [row[picks].mean(axis=1) for row in runs]
        p = first_probabilities(np.stack(columns, axis=1))
        if max(p) >= 0.9:
            said.append(max(p))
            right.append(np.argmax(p) == np.argmax(truths))
    return float(np.mean(said)), float(np.mean(right))


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_p_best_is_not_too_sure_with_few_seeds(n_seeds: int) -> None:
    said, right = claims(n_seeds, wide=True)
    assert right >= said - 0.03
    said, right = claims(n_seeds, wide=False)
    assert right < said - 0.04


def test_widened_draws_are_students_t() -> None:
    noise = Noise.drawn(200_000, 1, 3, 50, np.random.default_rng(0))
    draws = noise.widened(np.array([[0.1, 0.4, 0.2]]), np.zeros(200_000))
    from scipy.stats import t

    half = t.isf(0.025, 2) * np.std([0.1, 0.4, 0.2], ddof=1) / 3**0.5
    low, high = np.quantile(draws, [0.025, 0.975])
    assert (high - low) / 2 == pytest.approx(half, rel=0.03)
