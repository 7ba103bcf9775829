"""The exchange test against several references: equal to the two-sample one with one reference,
level under the null, power under a shift."""

from __future__ import annotations

import numpy as np
import pytest

from suite import stats

AUTHORS, QUESTIONS = 10, 12
CLUSTERS = [f"author {i}" for i in range(AUTHORS) for _ in range(QUESTIONS)]


def drawn(rng: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    """Scores whose authors differ as much as their questions."""
    authors = rng.normal(size=AUTHORS).repeat(QUESTIONS)
    return authors + rng.normal(size=AUTHORS * QUESTIONS) + shift


def test_one_reference_is_the_two_sample_test() -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng), drawn(rng, 0.7)
    ours = stats.ks_exchange(a, [b], CLUSTERS)
    known = stats.ks_permutation(a, b, CLUSTERS, CLUSTERS)
    assert ours.statistic == pytest.approx(known.statistic, abs=1e-12)
    assert ours.statistic == pytest.approx(stats.ks_two_sample(a, b).statistic, abs=1e-12)
    # The exact share of exchanges, up to what 10,000 random ones leave open.
    assert ours.pvalue == pytest.approx(known.pvalue, abs=4 * np.sqrt(0.25 / 10_000))


def test_the_statistic_is_the_median_distance() -> None:
    rng = np.random.default_rng(1)
    model, references = drawn(rng), [drawn(rng, shift) for shift in (0.0, 0.5, 2.0)]
    distances = [stats.ks_two_sample(model, other).statistic for other in references]
    found = stats.ks_exchange(model, references, CLUSTERS, n_permutations=10)
    assert found.statistic == pytest.approx(np.median(distances), abs=1e-12)


def test_level_and_power() -> None:
    rng = np.random.default_rng(2)
    alike, shifted = [], []
    for _ in range(100):
        references = [drawn(rng) for _ in range(3)]
        for found, shift in ((alike, 0.0), (shifted, 1.5)):
            test = stats.ks_exchange(drawn(rng, shift), references, CLUSTERS, n_permutations=199)
            found.append(test.pvalue)
    # 5 of 100 are expected; more than 12 would happen once in a thousand times.
    assert np.mean(np.array(alike) <= 0.05) <= 0.12
    assert np.mean(np.array(shifted) <= 0.05) > 0.9


@pytest.mark.parametrize("references", [[], [[1.0]], [[1.0, float("nan")]]])
def test_what_cannot_be_compared_is_refused(references: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="references"):
        stats.ks_exchange([1.0, 2.0], references, ["a", "b"])
