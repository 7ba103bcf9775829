"""Simulations: nominal 95 % intervals must cover the truth in 93 to 97 % of synthetic experiments.

Also the three mistakes that the design avoids, with the size of their damage. Each takes seconds to
a minute.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from suite.compare.number import Headline
from suite.compare.ranking import Joint
from suite.stats import (
    Interval,
    Table,
    cluster_bootstrap,
    harmonic_means,
    joint_bootstrap,
    ks_two_sample,
    length_controlled_win_rate,
    mean_interval_t,
    wilson,
)
from suite.stats.clustered import Clustered, Part, means
from suite.stats.ks import log10_ks_tail

pytestmark = pytest.mark.slow


def coverage(
    experiment: Callable[[np.random.Generator, int], Interval], truth: float, times: int
) -> float:
    hits = 0
    for seed in range(times):
        interval = experiment(np.random.default_rng(seed), seed)
        assert interval.low is not None
        assert interval.high is not None
        hits += interval.low <= truth <= interval.high
    return hits / times


def uniform_scores(rng: np.random.Generator, n_clusters: int, per_cluster: int) -> np.ndarray:
    """Scores in 0..1 with mean 1/2, 40 % of their normal scores' variance between clusters."""
    between, within = rng.normal(size=(n_clusters, 1)), rng.normal(size=(n_clusters, per_cluster))
    return np.asarray(ndtr(0.4**0.5 * between + 0.6**0.5 * within))


@pytest.mark.parametrize("n_clusters", [3, 5, 10, 20, 50])
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_mean_of_clustered_scores(n_clusters: int, method: str) -> None:
    ids = np.repeat(np.arange(n_clusters), 20)

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        scores = uniform_scores(rng, n_clusters, 20).ravel()
        return cluster_bootstrap(scores, ids, seed=seed, n_resamples=1000, method=method)  # type: ignore[arg-type]

    assert 0.93 <= coverage(experiment, 0.5, 1500) <= 0.97


def test_skewed_scores_at_twenty_clusters() -> None:
    """Most clusters near 0, as after forgetting: the default (BCa) still covers."""
    ids = np.repeat(np.arange(20), 20)

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        p = rng.beta(0.7, 3.0, 20)[:, None] + 1e-3
        scores = rng.beta(4 * p, 4 * (1.002 - p), (20, 20))
        return cluster_bootstrap(scores.ravel(), ids, seed=seed, n_resamples=1000)

    truth = (0.7 / 3.7 + 1e-3) / 1.002
    assert 0.93 <= coverage(experiment, truth, 1500) <= 0.97


def test_unequal_clusters() -> None:
    sizes = np.arange(5, 25)
    ids = np.repeat(np.arange(20), sizes)

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        scores = ndtr(0.4**0.5 * rng.normal(size=20)[ids] + 0.6**0.5 * rng.normal(size=len(ids)))
        return cluster_bootstrap(scores, ids, seed=seed, n_resamples=1000)

    assert 0.93 <= coverage(experiment, 0.5, 1500) <= 0.97


def test_ignoring_clusters_does_not_cover() -> None:
    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        return cluster_bootstrap(uniform_scores(rng, 20, 20).ravel(), seed=seed, n_resamples=500)

    assert coverage(experiment, 0.5, 400) < 0.6


UTILITY = {"retain": (0.5, 0.45, 0.35), "authors": (0.55, 0.85, 0.5), "facts": (0.5, 0.85, 0.45)}
SIZES = {"retain": (20, 20), "authors": (100, 1), "facts": (117, 1)}


def utility_parts(rng: np.random.Generator) -> dict[tuple[str, int], np.ndarray]:
    """Nine parts: three strongly correlated metrics on each of TOFU's sets.

    The means are UTILITY exactly.
    """
    parts = {}
    for name, (n_clusters, per_cluster) in SIZES.items():
        between = rng.normal(size=(n_clusters, 1))
        ability = 0.1**0.5 * between + 0.9**0.5 * rng.normal(size=(n_clusters, per_cluster))
        for metric, mean in enumerate(UTILITY[name]):
            noise = rng.normal(size=ability.shape)
            latent = 0.95**0.5 * ability + 0.05**0.5 * noise
            parts[name, metric] = ndtr(2**0.5 * ndtri(mean) + latent).ravel()
    return parts


@pytest.mark.parametrize(
    ("resampling", "lowest", "highest"),
    [("parts", 0.62, 0.77), ("question", 0.85, 0.925), ("author", 0.93, 0.97)],
)
def test_harmonic_mean(resampling: str, lowest: float, highest: float) -> None:
    """The guide measured .69, .89 and .96 for the three ways of resampling; here they are alike."""
    authors = np.repeat(np.arange(20), 20)
    truth = 9 / sum(1 / mean for means in UTILITY.values() for mean in means)

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        tables = {
            f"{name}/{metric}": Table(
                scores,
                authors if resampling == "author" and name == "retain" else None,
                f"{name}/{metric}" if resampling == "parts" else name,
            )
            for (name, metric), scores in utility_parts(rng).items()
        }
        return joint_bootstrap(tables, harmonic_means, seed=seed, n_resamples=800)

    assert lowest <= coverage(experiment, truth, 500) <= highest


def test_win_rates_judged_in_both_orders() -> None:
    """Two verdicts on one prompt agree often:
    Wilson on 2n of them is too short, t on n prompts is right.
    """
    latent = 1.2
    truth = float(ndtr(0.3 / (1 + latent**2) ** 0.5))

    def verdicts(rng: np.random.Generator) -> np.ndarray:
        return rng.random((100, 2)) < ndtr(rng.normal(0.3, latent, (100, 1)))

    as_if_independent = coverage(lambda rng, _: wilson(int(verdicts(rng).sum()), 200), truth, 3000)
    per_prompt = coverage(lambda rng, _: mean_interval_t(verdicts(rng).mean(axis=1)), truth, 3000)
    assert 0.88 <= as_if_independent <= 0.92
    assert 0.93 <= per_prompt <= 0.97


@pytest.mark.parametrize(
    ("n_seeds", "lowest", "highest"), [(2, 0.92, 0.98), (3, 0.93, 0.975), (5, 0.93, 0.97)]
)
@pytest.mark.parametrize(
    ("of_seed", "of_cluster"), [(0.0, 1.0), (0.3, 1.0), (0.0, 0.0), (0.3, 0.3)]
)
def test_several_seeds(
    n_seeds: int, lowest: float, highest: float, of_seed: float, of_cluster: float
) -> None:
    """Seeds and authors both differ, both not, or one of them; questions and noise always do.

    Few seeds cannot do better than err a little on the wide side (see `suite.stats.crossed`).
    """

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        scores = of_seed * rng.normal(size=(n_seeds, 1, 1)) + of_cluster * rng.normal(
            size=(1, 20, 1)
        )
        scores = scores + rng.normal(size=(1, 20, 20)) + 0.5 * rng.normal(size=(n_seeds, 20, 20))
        headline = Headline("score", 1, {"one": clustered(scores.reshape(n_seeds, 400))})
        low, high = Joint([headline], ["one"], seed).limits(headline)["one"]
        return Interval(float(scores.mean()), low, high, 400, 20)

    assert lowest <= coverage(experiment, 0.0, 1500) <= highest


def clustered(scores: np.ndarray) -> Clustered:
    """Scores (S, 400) of 20 clusters of 20 items, as reports work on them."""
    codes = np.repeat(np.arange(20), 20)
    return means([Part(scores, codes, "")], {"": 20}, lambda found: found.mean(axis=-1))


def test_paired_difference() -> None:
    """Interval and p-value: both wrong about 5 % of the time when the methods do not differ."""
    hits = rejected = 0
    for seed in range(600):
        rng = np.random.default_rng(seed)
        shared_part = np.repeat(rng.normal(size=20), 20)
        a, b = (
            shared_part + np.repeat(0.5 * rng.normal(size=20), 20) + rng.normal(size=400)
            for _ in "ab"
        )
        headline = Headline("score", 1, {"a": clustered(a[None]), "b": clustered(b[None])})
        result = Joint([headline], ["a", "b"], seed).difference(headline, "a", "b")
        assert result.ci_low is not None
        assert result.ci_high is not None
        assert result.pvalue is not None
        hits += result.ci_low <= 0 <= result.ci_high
        rejected += result.pvalue <= 0.05
    assert 0.93 <= hits / 600 <= 0.97
    assert 0.03 <= rejected / 600 <= 0.07


def test_length_controlled_win_rate() -> None:
    difficulty_grid = ndtri((np.arange(2000) + 0.5) / 2000)
    truth = float((1 / (1 + np.exp(0.5 - 0.5 * difficulty_grid))).mean())

    def experiment(rng: np.random.Generator, seed: int) -> Interval:
        difficulty, gap = rng.normal(size=300), rng.normal(0.3, 1, 300)
        p = 1 / (1 + np.exp(0.5 - 1.5 * np.tanh(gap / gap.std(ddof=1)) - 0.5 * difficulty))
        wins = (rng.random(300) < p).astype(float)
        return length_controlled_win_rate(
            wins, gap, np.zeros(300), difficulty, n_resamples=400, seed=seed
        )

    assert 0.93 <= coverage(experiment, truth, 400) <= 0.97


def test_ks_pvalue_must_not_be_bootstrapped() -> None:
    """Null median p at n = 400:
    .47 (or the next of the discrete values), and .13 to .16 after resampling.
    """
    pvalues = np.array([10 ** log10_ks_tail(400 * h, 400, 400) for h in range(401)])
    plain, resampled = [], []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        a, b = rng.normal(size=400), rng.normal(size=400)
        plain.append(ks_two_sample(a, b).pvalue)
        for _ in range(5):
            distance = ks_two_sample(rng.choice(a, 400), rng.choice(b, 400)).statistic
            resampled.append(pvalues[round(400 * distance)])
    assert 0.41 < np.median(plain) < 0.53
    assert 0.11 < np.median(resampled) < 0.17
