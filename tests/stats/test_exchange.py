"""Exchange tests and clustered sums, against brute force and closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import hmean

from suite.stats import ks_two_sample
from suite.stats.clustered import Clustered, Part, ks_distances, means
from suite.stats.exchange import exchange_test
from suite.stats.pareto import pareto

RNG = np.random.default_rng(5)
CODES = np.repeat(np.arange(8), 3)


def mean(parts: np.ndarray) -> np.ndarray:
    return parts.mean(axis=-1)


def harmonic(parts: np.ndarray) -> np.ndarray:
    return parts.shape[-1] / (1 / parts).sum(axis=-1)


def scores(shift: float, seeds: int = 1) -> np.ndarray:
    return RNG.normal(1 + shift, 0.2, (seeds, len(CODES))).clip(0.05)


def one(values: np.ndarray) -> Clustered:
    return means([Part(values, CODES, "retain")], {"retain": 8}, mean)


def test_the_exchange_of_means_is_the_sign_flip_test() -> None:
    for shift in (0.0, 0.1, 1.0):
        a, b = scores(shift), scores(0.0)
        exact = exchange_test(one(a), one(b))
        sums = np.bincount(CODES, (a - b)[0])
        flipped = np.array(list(itertools.product((1, -1), repeat=8))) @ sums
        assert (exact.exact, exact.n_permutations) == (True, 2**7)
        assert exact.pvalue == pytest.approx(np.mean(np.abs(flipped) >= abs(sums.sum()) - 1e-9))
        assert exact.statistic == pytest.approx((a - b).mean())
        sampled = exchange_test(one(a), one(b), n_permutations=100)
        assert not sampled.exact and abs(sampled.pvalue - exact.pvalue) < 0.15


def test_a_harmonic_mean_over_two_populations_by_brute_force() -> None:
    facts = np.repeat(np.arange(3), 2)
    values = {
        name: (scores(shift), RNG.uniform(0.2, 0.9, (1, 6)))
        for name, shift in (("a", 0.3), ("b", 0.0))
    }
    sizes = {"retain": 8, "facts": 3}
    a, b = (
        means([Part(x, CODES, "retain"), Part(y, facts, "facts")], sizes, harmonic)
        for x, y in values.values()
    )
    for model, (x, y) in zip((a, b), values.values(), strict=True):
        assert model.estimate()[0] == pytest.approx(hmean([x.mean(), y.mean()]))
    found = []
    for swap in itertools.product((0, 1), repeat=11):
        first, second = ([], [])
        for which, codes in ((0, CODES), (1, facts)):
            flip = np.array(swap[8 * which : 8 + 3 * which])[codes]
            x, y = values["a"][which][0], values["b"][which][0]
            first.append(np.where(flip, y, x).mean())
            second.append(np.where(flip, x, y).mean())
        found.append(abs(hmean(first) - hmean(second)))
    share = np.mean(np.array(found) >= found[0] - 1e-12)
    assert exchange_test(a, b).pvalue == pytest.approx(share)


def test_ks_distances_to_a_third_model() -> None:
    a, b, reference = scores(0.2), scores(0.0), scores(0.0)
    parts = [Part(values, CODES, "forget") for values in (a, b, reference)]
    models = [ks_distances(part, parts[2], 8) for part in parts[:2]]
    for model, values in zip(models, (a, b), strict=True):
        assert model.estimate()[0] == pytest.approx(
            ks_two_sample(values[0], reference[0]).statistic
        )
    found = []
    for swap in itertools.product((0, 1), repeat=8):
        flip = np.array(swap)[CODES]
        d = [
            ks_two_sample(np.where(flip, y, x)[0], reference[0]).statistic
            for x, y in ((a, b), (b, a))
        ]
        found.append(abs(d[0] - d[1]))
    assert exchange_test(*models).pvalue == pytest.approx(
        np.mean(np.array(found) >= found[0] - 1e-12)
    )


def test_weights_are_repeated_clusters() -> None:
    values = scores(0.0, seeds=2)
    weights = np.array([[2.0, 0, 1, 0, 0, 3, 0, 0]])
    drawn = np.concatenate([np.flatnonzero(cluster == CODES) for cluster in (0, 0, 2, 5, 5, 5)])
    assert one(values).values({"retain": weights})[0] == pytest.approx(
        values[:, drawn].mean(axis=1)
    )


def test_what_is_not_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        exchange_test(one(scores(0)), one(scores(0, seeds=2)))


def test_the_front_of_every_draw() -> None:
    draws = RNG.integers(0, 5, (40, 7, 2)).astype(float)
    fronts = pareto(draws, [1, -1])
    for draw, front in zip(draws, fronts, strict=True):
        assert (front == pareto(draw, [1, -1])).all()


def test_a_smaller_difference_than_is_of_interest_is_none() -> None:
    a = scores(0.0)
    b = a + 1e-5
    assert exchange_test(one(a), one(b)).pvalue < 0.05
    assert exchange_test(one(a), one(b), least=0.01).pvalue == 1.0


def test_several_reference_models_give_the_median_distance() -> None:
    runs = np.concatenate([scores(shift) for shift in (0.0, 0.4)])
    references = np.concatenate([scores(shift) for shift in (0.0, 0.3, 0.9)])
    part = Part(runs, CODES, "forget", starts=2)
    reference = Part(references, CODES, "forget", starts=3)
    everyone = np.tile(np.arange(3), (2, 1))
    found = ks_distances(part, reference, 8, everyone).estimate()
    for value, own in zip(found, runs, strict=True):
        distances = [ks_two_sample(own, other).statistic for other in references]
        assert value == pytest.approx(np.median(distances), abs=1e-12)
