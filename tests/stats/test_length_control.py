"""The length-control regression:
statsmodels, recovery of the truth, AlpacaEval's published rows.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import t

from suite.stats import length_controlled_win_rate, mean_interval_t
from suite.stats.length_control import fit_logistic, recovered_difficulties


def test_fit_is_statsmodels() -> None:
    """Without a prior, on fractional preferences and with weights: the binomial GLM."""
    rng = np.random.default_rng(0)
    features = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    targets, weights = rng.random(200), rng.integers(0, 4, (3, 200)).astype(float)
    ours = fit_logistic(features, targets, weights, np.zeros(3), np.zeros(3))
    for row, weight in zip(ours, weights, strict=True):
        model = sm.GLM(targets, features, family=sm.families.Binomial(), freq_weights=weight).fit(
            tol=1e-12
        )
        assert row == pytest.approx(model.params, abs=1e-6)


def test_gradient_with_prior_vanishes() -> None:
    rng = np.random.default_rng(1)
    features, targets = (
        np.column_stack([np.ones(50), rng.normal(size=50)]),
        (rng.random(50) < 0.9).astype(float),
    )
    precision, centre = np.array([0.01, 16.0]), np.array([0.0, 1.6])
    beta = fit_logistic(features, targets, np.ones((1, 50)), precision, centre)[0]
    gradient = features.T @ (targets - expit(features @ beta)) - precision * (beta - centre)
    assert gradient == pytest.approx(np.zeros(2), abs=1e-6)


def verdicts(
    n: int, seed: int, quality: float, bias: float, spread: float = 1.0
) -> tuple[np.ndarray, ...]:
    """Preferences of a judge with a length bias for answers that are mostly longer."""
    rng = np.random.default_rng(seed)
    lengths_b, difficulty = rng.gamma(4, 300, n), spread * rng.normal(size=n)
    lengths_a = lengths_b * np.exp(rng.normal(0.4, 0.5, n))
    gap = lengths_a - lengths_b
    p = expit(quality + bias * np.tanh(gap / gap.std(ddof=1)) + difficulty)
    return (rng.random(n) < p).astype(float), lengths_a, lengths_b, difficulty


def test_removes_the_length_bias() -> None:
    wins, a, b, difficulty = verdicts(4000, 0, quality=-0.5, bias=2.0)
    fair = expit(-0.5 + difficulty).mean()
    result = length_controlled_win_rate(wins, a, b, difficulty, n_resamples=400)
    assert result.value == pytest.approx(fair, abs=0.04)
    assert wins.mean() > fair + 0.1
    assert result.low is not None
    assert result.high is not None
    assert result.low < fair < result.high


def test_swapping_the_sides_gives_the_complement() -> None:
    wins, a, b, difficulty = verdicts(300, 1, 0.2, 1.0)
    one = length_controlled_win_rate(wins, a, b, difficulty, n_resamples=20)
    other = length_controlled_win_rate(1 - wins, b, a, -difficulty, n_resamples=20)
    assert one.value is not None
    assert other.value == pytest.approx(1 - one.value, abs=1e-9)


def test_equal_lengths_leave_the_win_rate() -> None:
    wins = np.array([1.0, 0, 0.5, 1, 1, 0, 1, 1])
    same = np.full(8, 100.0)
    assert length_controlled_win_rate(wins, same, same).value == pytest.approx(
        wins.mean(), abs=1e-3
    )


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_one_side_always_wins(outcome: float) -> None:
    rng = np.random.default_rng(2)
    result = length_controlled_win_rate(
        np.full(100, outcome), rng.random(100), rng.random(100), n_resamples=50
    )
    assert result.value == pytest.approx(outcome, abs=0.01)


def test_extrapolation_is_noted() -> None:
    wins, lengths = np.tile([0.0, 1.0], 50), np.linspace(10, 200, 100)
    assert (
        "only 1.0% of the answers are shorter"
        in length_controlled_win_rate(
            wins, lengths, np.append(11.0, lengths[1:] - 5), n_resamples=20
        ).note
    )
    with pytest.raises(ValueError, match=r"0\.\.1"):
        length_controlled_win_rate([2.0], [1.0], [1.0])


def test_spread_of_predictions_understates_the_error() -> None:
    """AlpacaEval's first error bar, the standard error of the fitted predictions, against the
    refits'.
    """
    wins, a, b, difficulty = verdicts(805, 3, quality=-0.5, bias=2.0, spread=0.3)
    result = length_controlled_win_rate(wins, a, b, difficulty, n_resamples=400)
    assert result.low is not None
    assert result.high is not None
    refits = (result.high - result.low) / 2 / 1.963
    gap = a - b
    features = np.column_stack([np.ones(805), np.tanh(gap / gap.std(ddof=1)), difficulty])
    beta = fit_logistic(features, wins, np.ones((1, 805)), np.full(3, 0.01), np.zeros(3))[0]
    predictions = expit(beta[0] + beta[2] * features[:, 2])
    assert refits > 5 * predictions.std(ddof=1) / 805**0.5


PUBLISHED_BASELINE_TERM = (1.6, 0.25)
"""Their length term for the baseline's own verbose and concise versions, 1.58 and 1.64; sd: as
firmly as some 160 such comparisons hold it (their two sets of 805 weigh .1 each)."""


@pytest.mark.parametrize("name", ["alpaca-7b", "claude-2.1_concise"])
def test_alpaca_eval(shared: Path, name: str) -> None:
    """Win rate and standard error are exact.

    The length-controlled rate is near only: their fit knows the difficulty of each instruction (a
    fit over all models of the leaderboard) and 1610 comparisons of the baseline with itself that
    hold the length term, neither of which is published with the annotations. 2 % and 5 % of these
    models' answers are longer than the baseline's, so the free fit extrapolates, to 14 and 12
    points above theirs. With the length term held near 1.6 it comes within 4 and 8 points; the rest
    is the difficulties.
    """
    folder = shared / "data" / "alpaca_eval"
    rows = json.loads((folder / f"{name}.annotations.json").read_text())
    with (folder / "leaderboard.csv").open() as file:
        published = next(row for row in csv.DictReader(file) if row[""] == name)
    wins = np.array(
        [row["preference"] - 1 for row in rows]
    )  # 1: the baseline's answer, 2: the model's
    plain = mean_interval_t(wins)
    assert 100 * wins.mean() == pytest.approx(float(published["win_rate"]), abs=1e-9)
    assert plain.high is not None
    error = (plain.high - wins.mean()) / t.isf(0.025, 804)
    assert 100 * error == pytest.approx(float(published["standard_error"]), rel=1e-9)

    model, baseline = ([len(row[key]) for row in rows] for key in ("output_2", "output_1"))
    target = float(published["length_controlled_winrate"]) / 100
    free = length_controlled_win_rate(wins, model, baseline, n_resamples=200)
    held = length_controlled_win_rate(
        wins, model, baseline, length_prior=PUBLISHED_BASELINE_TERM, n_resamples=200
    )
    assert "extrapolated" in free.note
    assert free.value is not None
    assert held.value is not None
    assert wins.mean() < target < held.value < free.value
    assert abs(free.value - target) < 0.15
    assert abs(held.value - target) < 0.08


@pytest.mark.parametrize("weights", [(-1.3, 0.8), (0.4, -2.0)])
def test_difficulties_are_recovered_from_predictions_and_weights(
    weights: tuple[float, float],
) -> None:
    difficulty = np.random.default_rng(0).normal(size=50)
    predictions = expit(weights[0] + weights[1] * difficulty)
    assert recovered_difficulties(predictions, *weights) == pytest.approx(difficulty, abs=1e-9)


def test_what_tells_no_difficulty_is_refused() -> None:
    with pytest.raises(ValueError, match="difficulty weight is 0"):
        recovered_difficulties([0.5], 1.0, 0.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        recovered_difficulties([1.0], 1.0, 1.0)


def test_a_tight_prior_takes_the_difficulties_out() -> None:
    wins, a, b, difficulty = verdicts(300, 4, 0.2, 1.0)
    held = length_controlled_win_rate(
        wins, a, b, difficulty, difficulty_prior=(0.0, 1e-4), n_resamples=20
    )
    plain = length_controlled_win_rate(wins, a, b, n_resamples=20)
    assert held.value == pytest.approx(plain.value, abs=1e-4)
