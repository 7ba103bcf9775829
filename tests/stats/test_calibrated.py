"""p over several runs: type I error in the tail that Holm reads, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from suite.stats.calibrated import axis_pvalue, over_runs, runs_pvalue
from suite.stats.crossed import crossed_pvalue, crossed_spread, crossed_variance

LEVELS = (0.05, 0.005, 2e-4)


def rejections(
    runs: tuple[int, int], sds: tuple[float, float, float], times: int, clusters: int = 20
) -> np.ndarray:
    """Share of null tables whose p is below each level: (crossed alone, all tests together).

    sds: of start models, of seeds, of clusters; what is left has sd 1. The test over clusters is a
    t test here, which exchanging answers agrees with for normal scores.
    """
    n_starts, n_seeds = runs
    rng = np.random.default_rng([n_starts, n_seeds, *(int(10 * sd) for sd in sds)])
    found = np.zeros((2, len(LEVELS)))
    block = 20_000
    for _ in range(times // block):
        tables = sds[0] * rng.normal(size=(block, n_starts, 1, 1))
        tables = tables + sds[1] * rng.normal(size=(block, n_starts, n_seeds, 1))
        tables = tables + sds[2] * rng.normal(size=(block, 1, 1, clusters))
        tables = tables + rng.normal(size=(block, n_starts, n_seeds, clusters))
        grand = tables.mean(axis=(1, 2, 3))
        estimate = crossed_variance(tables - grand[:, None, None, None])
        statistics = []
        for axis in (1, 2, 3):
            others = tuple(other for other in (1, 2, 3) if other != axis)
            means = tables.mean(axis=others)
            if means.shape[1] > 1:
                se = means.std(axis=1, ddof=1) / means.shape[1] ** 0.5
                statistics.append((np.abs(grand) / se, means.shape[1] - 1))
        for place, level in enumerate(LEVELS):
            crossed = np.abs(grand) > estimate.quantile(level) * estimate.total**0.5
            each = [value > t.isf(level / 2, df) for value, df in statistics]
            found[:, place] += crossed.sum(), (crossed & np.all(each, axis=0)).sum()
    return found / times


CASES = [
    (runs, sds)
    for runs in ((1, 2), (1, 3), (1, 5), (2, 2), (3, 3))
    for sds in ((0.0, 0.0, 0.0), (0.3, 0.3, 1.0), (1.0, 1.0, 1.0), (1.0, 1.0, 0.0))
]


def check(runs: tuple[int, int], sds: tuple[float, float, float], times: int) -> None:
    if runs[0] == 1:
        sds = (0.0, *sds[1:])  # one start model: the claim is about this one
    _, together = rejections(runs, sds, times)
    for level, share in zip(LEVELS, together, strict=True):
        noise = 3.5 * (level / times) ** 0.5
        assert share <= 1.25 * level + noise, (level, share)


@pytest.mark.parametrize(("runs", "sds"), CASES)
def test_type_one_error(runs: tuple[int, int], sds: tuple[float, float, float]) -> None:
    check(runs, sds, 20_000)


@pytest.mark.slow
@pytest.mark.parametrize(("runs", "sds"), CASES)
def test_type_one_error_far_out(runs: tuple[int, int], sds: tuple[float, float, float]) -> None:
    check(runs, sds, 400_000)


def test_the_crossed_analysis_alone_is_wrong_in_the_tail() -> None:
    """What this file's maximum is for: with two seeds far more than 2e-4 of null p are below it."""
    alone, together = rejections((1, 2), (0.0, 1.0, 1.0), 40_000)
    assert alone[2] > 20 * LEVELS[2] > 20 * together[2]


def test_one_axis_is_the_t_test() -> None:
    values = np.random.default_rng(3).normal(0.5, 1, 7)
    assert axis_pvalue(values) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert runs_pvalue(values[None]) == pytest.approx(ttest_1samp(values, 0).pvalue)
    assert crossed_pvalue(values.mean(), (values - values.mean())[None, None]) == pytest.approx(
        ttest_1samp(values, 0).pvalue
    )
    assert runs_pvalue(values[:1, None]) is None


def test_the_smallest_difference_of_interest() -> None:
    """A difference of nothing is none, however well it repeats; rounding is no proof."""
    assert axis_pvalue(np.array([2e-5, 2e-5, 2e-5]), 0.01) == 1.0
    assert axis_pvalue(np.array([0.5, 0.5])) > 1e-10
    values = np.array([0.52, 0.5, 0.51])
    assert axis_pvalue(values, 0.3) > axis_pvalue(values)
    assert over_runs(0.51, values[None], None, 0.6) == 1.0


def test_two_axes_by_their_formula() -> None:
    table = np.random.default_rng(1).normal(0, 1, (3, 12))
    table -= table.mean()
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = table - rows - columns
    by_seed, by_cluster = (rows**2).sum() / 2 / 3, (columns**2).sum() / 11 / 12
    both = (rest**2).sum() / 22 / 36
    expected = max(by_seed + by_cluster - both, by_seed, by_cluster)
    assert crossed_variance(table[None, None]).total[0] == pytest.approx(expected)


def test_three_axes_are_unbiased() -> None:
    rng = np.random.default_rng(2)
    shape = (20_000, 3, 4, 6)
    tables = rng.normal(size=(20_000, 3, 1, 1)) + rng.normal(size=(20_000, 1, 4, 1))
    tables = tables + rng.normal(size=(20_000, 1, 1, 6)) + rng.normal(size=shape)
    truth = 1 / 3 + 1 / 4 + 1 / 6 + 1 / 72
    grand = tables.mean(axis=(1, 2, 3))
    assert grand.var() == pytest.approx(truth, rel=0.05)
    estimate = crossed_variance(tables - grand[:, None, None, None]).total.mean()
    assert truth * 0.97 < estimate < truth * 1.06  # never below a part, so a little above


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05, 0.08, 0.2, 2.0])
def test_p_agrees_with_the_interval(shift: float) -> None:
    table = np.random.default_rng(1).normal(0, 0.1, (1, 3, 12))
    deviations = table - table.mean()
    spread = crossed_spread(deviations, 1.0, 0.95)
    p = crossed_pvalue(shift, deviations)
    assert 0 < p <= 1
    assert (shift > spread.quantile * spread.se) is (p < 0.05)
