"""Bootstrap intervals against closed forms; what is resampled together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import t

from suite.stats import (
    Interval,
    Table,
    cluster_bootstrap,
    harmonic_means,
    joint_bootstrap,
    joint_means,
)


def limits(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def test_mean_matches_the_analytic_t_interval() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    se = values.std(ddof=1) / 20
    half = t.isf(0.025, 399) * se
    result = cluster_bootstrap(values, n_resamples=20_000, method="percentile")
    assert result.value == pytest.approx(values.mean())
    assert limits(result) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.06 * half
    )


def test_clusters_match_the_analytic_standard_error() -> None:
    """Equal clusters: the interval is the t interval of the C cluster means."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(20, 1)) + rng.normal(size=(20, 30))
    means = values.mean(axis=1)
    half = t.isf(0.025, 19) * means.std(ddof=1) / 20**0.5
    result = cluster_bootstrap(
        values.ravel(), np.repeat(np.arange(20), 30), n_resamples=20_000, method="percentile"
    )
    assert limits(result) == pytest.approx(
        (means.mean() - half, means.mean() + half), abs=0.08 * half
    )
    assert (result.n, result.n_clusters) == (600, 20)


def test_standard_deviation_of_the_draws() -> None:
    rng = np.random.default_rng(2)
    means = rng.normal(size=30)
    draws = joint_means(
        {"x": Table(np.repeat(means, 4), np.repeat(np.arange(30), 4))}, n_resamples=20_000
    )["x"]
    assert draws.std() == pytest.approx(means.std() / 30**0.5, rel=0.02)
    assert draws.mean() == pytest.approx(means.mean(), abs=0.01)


def test_bca_is_scipys_up_to_the_small_sample_expansion() -> None:
    """At 300 items t and normal quantiles nearly agree, so both shift the skewed interval alike."""
    values = np.random.default_rng(3).exponential(size=300) ** 1.5
    ours = cluster_bootstrap(values, n_resamples=20_000, method="bca")
    theirs = scipy_bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", rng=4
    ).confidence_interval
    width = theirs.high - theirs.low
    assert limits(ours) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)
    plain = limits(cluster_bootstrap(values, n_resamples=20_000, method="percentile"))
    assert limits(ours)[0] > plain[0]
    assert limits(ours)[1] > plain[1]


@pytest.mark.parametrize("n_clusters", [2, 3, 4])
def test_few_clusters_give_the_t_interval(n_clusters: int) -> None:
    values = np.random.default_rng(n_clusters).normal(size=n_clusters)
    half = t.isf(0.025, n_clusters - 1) * values.std(ddof=1) / n_clusters**0.5
    result = cluster_bootstrap(np.repeat(values, 3), np.repeat(np.arange(n_clusters), 3))
    assert limits(result) == pytest.approx((values.mean() - half, values.mean() + half))


def test_one_cluster_has_no_interval() -> None:
    result = cluster_bootstrap([0.1, 0.4], ["x", "x"])
    assert (result.value, result.low, result.high, result.n, result.n_clusters) == (
        0.25,
        None,
        None,
        2,
        1,
    )
    assert "one cluster" in result.note


def test_constant_scores() -> None:
    for value in (0.1, 1e-30):
        result = cluster_bootstrap(np.full(40, value), np.repeat(np.arange(10), 4))
        assert limits(result) == (result.value, result.value)
        assert result.value == pytest.approx(value, rel=1e-12)
        assert "no spread" in result.note


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_missing_scores_are_refused(bad: float | None) -> None:
    with pytest.raises(ValueError, match=r"values\[1\] is missing or not finite \(1 of 3"):
        cluster_bootstrap([0.5, bad, 0.2])  # type: ignore[list-item]


def test_ids_must_match_the_scores() -> None:
    with pytest.raises(ValueError, match="2 cluster ids for 3 values"):
        cluster_bootstrap([0.5, 0.1, 0.2], ["x", "y"])
    with pytest.raises(ValueError, match="missing"):
        cluster_bootstrap([0.5, 0.1], ["x", None])


@settings(max_examples=40)
@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=40),
    st.integers(2, 8),
    st.floats(0.1, 10),
    st.floats(-5, 5),
    st.sampled_from(["percentile", "bca"]),
)
def test_order_scale_and_shift(
    values: list[float], n_clusters: int, scale: float, shift: float, method: str
) -> None:
    """Items may come in any order, and an affine change of unit changes the interval the same
    way."""
    x, ids = np.array(values), np.arange(len(values)) % n_clusters
    assume(not np.isin(x, (0, 1)).all())  # shares keep to 0..1
    assume(not np.isin(scale * x + shift, (0, 1)).all())
    one = cluster_bootstrap(x, ids, n_resamples=400, method=method)  # type: ignore[arg-type]
    order = np.random.default_rng(0).permutation(len(x))
    other = cluster_bootstrap(x[order], ids[order], n_resamples=400, method=method)  # type: ignore[arg-type]
    assert limits(other) == pytest.approx(limits(one), abs=1e-9)
    moved = cluster_bootstrap(scale * x + shift, ids, n_resamples=400, method="percentile")
    plain = limits(cluster_bootstrap(x, ids, n_resamples=400, method="percentile"))
    assert limits(moved) == pytest.approx([scale * limit + shift for limit in plain], abs=1e-7)


def test_tables_of_one_population_move_together() -> None:
    x = np.random.default_rng(7).normal(size=60)
    ids = np.repeat(np.arange(20), 3)
    together = joint_means(
        {"a": Table(x, ids, "retain"), "b": Table(-x, ids, "retain"), "c": Table(x, ids, "other")}
    )
    assert together["a"] == pytest.approx(-together["b"], abs=1e-12)
    assert abs(np.corrcoef(together["a"], together["c"])[0, 1]) < 0.1
    parts = {"a": Table(x, ids), "b": Table(-x, ids)}
    total = joint_bootstrap(parts, lambda means: means["a"] + means["b"])
    assert limits(total) == pytest.approx((0, 0), abs=1e-12)


def test_independent_populations_add_their_variances() -> None:
    """Welch: the difference of two independent means."""
    rng = np.random.default_rng(8)
    x, y = rng.normal(0, 1, 12), rng.normal(0, 4, 50)
    tables = {"x": Table(x, None, "x"), "y": Table(y, None, "y")}
    result = joint_bootstrap(
        tables, lambda m: m["x"] - m["y"], n_resamples=20_000, method="percentile"
    )
    vx, vy = x.var(ddof=1) / 12, y.var(ddof=1) / 50
    df = (vx + vy) ** 2 / (vx**2 / 11 + vy**2 / 49)
    half = t.isf(0.025, df) * (vx + vy) ** 0.5
    centre = x.mean() - y.mean()
    assert limits(result) == pytest.approx((centre - half, centre + half), abs=0.06 * half)


def test_undefined_on_many_resamples() -> None:
    result = joint_bootstrap(
        {"x": Table([0.0, 0.0, 0.0, 1.0])}, lambda means: np.where(means["x"] > 0, 1.0, np.nan)
    )
    assert (result.value, result.low, result.high) == (1.0, None, None)
    assert "undefined" in result.note


def test_draws_repeat_with_the_seed() -> None:
    tables = {"x": Table(np.random.default_rng(9).random(50))}
    assert (joint_means(tables, seed=3)["x"] == joint_means(tables, seed=3)["x"]).all()
    assert (joint_means(tables, seed=3)["x"] != joint_means(tables, seed=4)["x"]).any()


@pytest.mark.perf
def test_speed_of_nine_parts() -> None:
    import time

    rng = np.random.default_rng(11)
    ids = np.repeat(np.arange(20), 20)
    tables = {
        f"{s}/{m}": Table(rng.random(400), ids if s == "retain" else None, s)
        for s in ("retain", "authors", "facts")
        for m in "abc"
    }
    start = time.perf_counter()
    joint_bootstrap(tables, harmonic_means, n_resamples=2000)
    assert time.perf_counter() - start < 1
