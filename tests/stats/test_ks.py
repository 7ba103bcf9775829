"""Exact Kolmogorov-Smirnov p-values: printed values, enumeration, scipy, underflow."""

from __future__ import annotations

import itertools
import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.stats import ks_two_sample
from suite.stats.ks import log10_ks_tail

PRINTED = [
    (400, 25, ".415789"),
    (400, 43, ".0195948"),
    (400, 138, "1.66232e-21"),
    (400, 149, "4.34620e-25"),
    (400, 400, "1.06359e-239"),
    (200, 25, ".0878383"),
    (200, 77, "1.32611e-13"),
    (200, 78, "5.86730e-14"),
    (200, 200, "1.94264e-119"),
    (40, 8, ".404587"),
    (40, 17, ".00127081"),
    (40, 40, "1.86034e-23"),
]


def samples_with(h: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of n distinct numbers whose D is h/n: b is a moved up by h - 1/2 places."""
    a = np.arange(n, dtype=float)
    return a, a + h - 0.5


@pytest.mark.parametrize(("n", "h", "printed"), PRINTED)
def test_printed_values(n: int, h: int, printed: str) -> None:
    result = ks_two_sample(*samples_with(h, n))
    assert result.statistic == h / n
    assert float(f"{result.pvalue:.5e}") == float(printed)
    assert result.log10_pvalue == pytest.approx(math.log10(float(printed)), abs=5e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 4), (3, 3), (4, 2), (5, 5), (6, 4), (3, 7)])
def test_against_all_label_permutations(n: int, m: int) -> None:
    """Every placing of n labels on n + m ranks gives one D.

    The p-value is the share with at least that D.
    """
    ranks = np.arange(n + m, dtype=float)
    found: dict[Fraction, float] = {}
    distances = []
    for chosen in itertools.combinations(range(n + m), n):
        mask = np.isin(np.arange(n + m), chosen)
        steps = np.where(mask, m, -n).cumsum()
        distance = Fraction(int(np.abs(steps).max()), n * m)
        result = ks_two_sample(ranks[mask], ranks[~mask])
        assert result.statistic == pytest.approx(float(distance), abs=1e-15)
        distances.append(distance)
        found[distance] = result.pvalue
    for distance, pvalue in found.items():
        share = sum(other >= distance for other in distances) / len(distances)
        assert pvalue == pytest.approx(share, rel=1e-12)


@settings(max_examples=60)
@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 3, 10]),
)
def test_agrees_with_scipy_exact(n: int, m: int, seed: int, grid: int | None) -> None:
    """Also with ties (values rounded to a grid) and equal or unequal sizes."""
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(seed)
    a, b = rng.random(n), rng.random(m) ** 1.5
    if grid:
        a, b = np.round(a * grid), np.round(b * grid)
    ours, theirs = ks_two_sample(a, b), ks_2samp(a, b, method="exact")
    assert ours.statistic == pytest.approx(float(theirs.statistic), abs=1e-14)
    assert ours.pvalue == pytest.approx(float(theirs.pvalue), rel=1e-10)
    swapped = ks_two_sample(b, a)
    assert swapped.log10_pvalue == pytest.approx(ours.log10_pvalue, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(600, 600), (2000, 2000), (900, 700), (2000, 1500)])
def test_log_survives_underflow(n: int, m: int) -> None:
    """At D = 1 two of the C(n + m, n) orders are as extreme."""
    result = ks_two_sample(np.arange(n), np.arange(m) + 10.0 * n)
    assert result.statistic == 1
    assert result.pvalue == 0 or result.pvalue > 0
    assert result.log10_pvalue == pytest.approx(
        math.log10(2) - math.log10(math.comb(n + m, n)), rel=1e-12
    )


def test_underflow_only_of_the_plain_pvalue() -> None:
    result = ks_two_sample(np.arange(800), np.arange(700) + 1e4)
    assert result.pvalue == 0.0
    assert -460 < result.log10_pvalue < -440


@pytest.mark.parametrize(("n", "m"), [(300, 300), (120, 75)])
def test_tail_falls_with_distance(n: int, m: int) -> None:
    step = math.gcd(n, m)
    logs = [
        log10_ks_tail(gap, n, m) for gap in range(0, n * m + 1, step * max(1, n * m // step // 60))
    ]
    assert logs[0] == 0
    assert all(later <= earlier for earlier, later in itertools.pairwise(logs))


def test_equal_samples() -> None:
    result = ks_two_sample([1.0, 2.0, 2.0], [2.0, 1.0, 2.0])
    assert (result.statistic, result.pvalue, result.log10_pvalue) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize("bad", [[1.0, None], [float("nan")], []])
def test_missing_values_are_refused(bad: list[float | None]) -> None:
    with pytest.raises(ValueError, match="a"):
        ks_two_sample(bad, [1.0])


@pytest.mark.perf
@pytest.mark.parametrize(("m", "limit"), [(400, 0.1), (399, 0.2)])
def test_speed(m: int, limit: float) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=400), rng.normal(size=m)
    ks_two_sample(a, b)
    start = time.perf_counter()
    ks_two_sample(a, b)
    assert time.perf_counter() - start < limit
