"""Holm, P(best), rates, agreement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ttest_1samp
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.multitest import multipletests

from suite.stats import (
    first_probabilities,
    holm,
    kappa,
    mean_interval_t,
    wilson,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_by_its_definition(pvalues: list[float]) -> None:
    """The k-th smallest times (m - k + 1), made monotone, cut at 1."""
    order = np.argsort(pvalues, kind="stable")
    expected, largest = np.empty(len(pvalues)), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, pvalues[index] * (len(pvalues) - place)))
        expected[index] = largest
    assert holm(pvalues) == pytest.approx(expected, rel=1e-12)


def test_holm_is_statsmodels() -> None:
    pvalues = [0.04, 0.001, 0.03, 0.5, 0.012, 0.001]
    assert holm(pvalues) == pytest.approx(multipletests(pvalues, method="holm")[1])


def test_holm_edges() -> None:
    assert holm([]).shape == (0,)
    for bad in ([0.1, 1.2], [0.1, float("nan")]):
        with pytest.raises(ValueError, match="p-values"):
            holm(bad)


def test_first_probabilities() -> None:
    draws = np.array([[3.0, 2.0, 1.0]] * 60 + [[2.0, 3.0, 1.0]] * 34 + [[1.0, 1.0, 1.0]] * 6)
    first, second, third = first_probabilities(draws)
    assert first == pytest.approx(0.6 + 0.06 / 3)
    assert second == pytest.approx(0.34 + 0.06 / 3)
    assert first + second + third == pytest.approx(1)
    assert first_probabilities(-draws[:60])[2] == 1
    with pytest.raises(ValueError, match="draws"):
        first_probabilities([[1.0, float("nan")]])


def test_wilson_solves_the_score_equation() -> None:
    """At its limits the observed share lies exactly 1.959964 standard errors away."""
    result = wilson(7, 50)
    for limit in (result.low, result.high):
        assert limit is not None
        assert abs(7 / 50 - limit) / (limit * (1 - limit) / 50) ** 0.5 == pytest.approx(
            1.959964, rel=1e-6
        )
    assert wilson(0, 30).low == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="31 successes of 30"):
        wilson(31, 30)


def test_wilson_coverage() -> None:
    """Exactly, by summing over the outcomes: near .95 on average over p, never far below."""
    n = 100
    intervals = [wilson(k, n) for k in range(n + 1)]
    low, high = (np.array([getattr(i, side) for i in intervals]) for side in ("low", "high"))
    shares = np.linspace(0.02, 0.98, 97)
    covered = [binom.pmf(np.arange(n + 1), n, p)[(low <= p) & (p <= high)].sum() for p in shares]
    assert 0.945 < np.mean(covered) < 0.96
    assert min(covered) > 0.91


def test_mean_interval_t() -> None:
    scores = np.random.default_rng(0).choice([0, 0.25, 0.5, 0.75, 1], size=40)
    expected = ttest_1samp(scores, 0).confidence_interval()
    result = mean_interval_t(scores)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high))
    assert mean_interval_t([0.5]).low is None
    assert mean_interval_t([0.5, 0.5]).note == "all scores are equal"


@settings(max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([None, "linear", "quadratic"]), st.booleans())
def test_kappa_is_sklearns(seed: int, weights: str | None, text: bool) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(1, 5, 60)
    b = np.where(rng.random(60) < 0.6, a, rng.integers(1, 5, 60))
    x, y = (list(map(str, r)) if text else r.tolist() for r in (a, b))
    result = kappa(x, y, weights, n_resamples=200)  # type: ignore[arg-type]
    assert result.kappa.value == pytest.approx(cohen_kappa_score(x, y, weights=weights), abs=1e-12)
    assert result.raw.value == pytest.approx(np.mean(a == b))
    assert result.kappa.low is not None
    assert result.kappa.high is not None
    assert result.kappa.low < result.kappa.value < result.kappa.high


def test_kappa_interval_matches_the_asymptotic_standard_error() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(1)
    a = rng.integers(0, 3, 800)
    b = np.where(rng.random(800) < 0.5, a, rng.integers(0, 3, 800))
    table = np.zeros((3, 3))
    np.add.at(table, (a, b), 1)
    expected = cohens_kappa(table)
    result = kappa(a.tolist(), b.tolist(), n_resamples=4000)
    assert result.kappa.low == pytest.approx(expected.kappa_low, abs=0.006)
    assert result.kappa.high == pytest.approx(expected.kappa_upp, abs=0.006)


def test_kappa_scale_and_undefined() -> None:
    a, b = [1, 5, 5, 1, 1], [1, 5, 1, 1, 5]
    labels = [1, 2, 3, 4, 5]
    scaled = kappa(a, b, "linear", categories=labels, n_resamples=100).kappa.value
    assert scaled == pytest.approx(cohen_kappa_score(a, b, weights="linear", labels=labels))
    constant = kappa(["A"] * 4, ["A"] * 4)
    assert constant.kappa.value is None
    assert "one rating" in constant.kappa.note
    assert constant.raw.value == 1.0
    with pytest.raises(ValueError, match="not paired"):
        kappa([1], [1, 2])
