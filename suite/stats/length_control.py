"""Win rate at equal answer lengths (AlpacaEval 2; Dubois et al. 2024, arXiv 2404.04475).

A logistic regression explains the preference for model a over b on each prompt by

    logit P(a wins) = model + length * tanh((len_a - len_b) / sd) + slope * difficulty

and the win rate is the mean prediction with the length term set to 0. Limits come from refitting on
resampled prompts: the spread of the predictions says nothing about the fit's uncertainty.

Where nearly all answers of a are longer (or all are shorter), equal length is an extrapolation, and
the note says so. AlpacaEval fixes the length term there by also fitting comparisons of its baseline
with verbose and concise versions of itself; `length_prior` does the same job. For their judge the
term lay near 1.6 (sd .3 between models). Their difficulties come from a fit over many models;
without difficulties, all predictions are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from suite.stats.arrays import Array, Labels, as_values, chunks, cluster_codes, resample_counts
from suite.stats.interval import Interval, Spread, with_limits

WEAK_PRECISION = 0.01
"""Precision of the normal prior around 0 on the coefficients (sd 10).

It keeps them finite where one side always wins.
"""
MIN_RARER_SIDE = 0.1
"""With a smaller share of longer (or of shorter) answers, equal length counts as extrapolated."""
MAX_NEWTON_STEPS = 100
LENGTH = 1
"""Column of the length term among the features."""
DIFFICULTY = 2
"""Column of the difficulties, where they are known."""


def length_controlled_win_rate(
    preferences: ArrayLike,
    lengths_a: ArrayLike,
    lengths_b: ArrayLike,
    difficulty: ArrayLike | None = None,
    *,
    length_prior: tuple[float, float] | None = None,
    difficulty_prior: tuple[float, float] | None = None,
    clusters: Labels | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """Length-controlled win rate of model a against b, 0..1.

    preferences: P(a preferred), (n,), in 0..1, ties .5. lengths: characters (or tokens), (n,).
    difficulty: of the instructions, (n,), from fits over many models. length_prior: (mean, sd) of
    the length coefficient, see above; difficulty_prior: the same of the difficulties' coefficient.
    Raises ValueError on missing or unequal inputs.
    """
    wins = as_values(preferences, "preferences")
    gap = as_values(lengths_a, "lengths_a") - as_values(lengths_b, "lengths_b")
    if len(wins) != len(gap) or wins.min() < 0 or wins.max() > 1:
        raise ValueError("preferences must be one number in 0..1 per pair of lengths")
    features, precision, centre = _design(gap, difficulty, length_prior, difficulty_prior)
    codes, size = cluster_codes(clusters, len(wins))

    def win_rate(weights: Array) -> Array:
        """Refit with cluster weights (B, C) -> (B,)."""
        rows = weights[:, codes]
        coefficients = fit_logistic(features, wins, rows, precision, centre)
        return _at_equal_lengths(features, coefficients, rows)

    value = float(win_rate(np.ones((1, size)))[0])
    result = Interval(value, None, None, len(wins), size)
    if size < 2:
        return replace(result, note="one cluster: its spread cannot be estimated")
    draws = _draws(win_rate, n_resamples, len(wins), size, seed)
    result = _limited(result, draws, confidence)
    return replace(result, note="; ".join(filter(None, (result.note, _extrapolation(gap)))))


def _at_equal_lengths(features: Array, coefficients: Array, weights: Array) -> Array:
    """Mean predictions without the length term: of coefficients (B, k), weights (B, n) -> (B,)."""
    others = np.delete(coefficients, LENGTH, axis=1)
    predicted = _expit(others @ np.delete(features, LENGTH, axis=1).T)
    rates: Array = (predicted * weights).sum(axis=1) / weights.sum(axis=1)
    return rates


def _draws(
    win_rate: Callable[[Array], Array], n_resamples: int, n: int, n_clusters: int, seed: int
) -> Array:
    """The win rate on resampled clusters, (n_resamples,)."""
    rng = np.random.default_rng(seed)
    draws = []
    for rows in chunks(n_resamples, n, cells=1 << 19):
        draws.append(win_rate(resample_counts(rng, rows, n_clusters)))
    return np.concatenate(draws)


def recovered_difficulties(
    predictions: ArrayLike, model_weight: float, difficulty_weight: float
) -> Array:
    """Difficulties of the instructions, (n,), from published predictions and weights.

    AlpacaEval's annotations may carry `glm_preference`, the prediction at equal lengths, (n,), in
    0..1 (0 and 1 excluded); its weights file has two numbers a model, the columns
    `not_gamed_baseline.astype(float)` and `instruction_difficulty`:

        logit(prediction) = model_weight + difficulty_weight * difficulty

    Raises ValueError where no difficulty follows.
    """
    predicted = as_values(predictions, "predictions")
    if predicted.min() <= 0 or predicted.max() >= 1:
        raise ValueError("predictions must lie between 0 and 1")
    if difficulty_weight == 0:
        raise ValueError("a model whose difficulty weight is 0 tells nothing of the difficulties")
    logits = np.log(predicted) - np.log1p(-predicted)
    result: Array = (logits - model_weight) / difficulty_weight
    return result


def _limited(result: Interval, draws: Array, confidence: float) -> Interval:
    """Fill in the limits from the spread of the draws themselves.

    The influences of the clusters would cost too many refits.
    """
    from scipy.stats import t

    size = result.n_clusters
    expansion = (size / (size - 1)) ** 0.5
    quantile = float(t.isf((1 - confidence) / 2, size - 1))
    estimate = Spread(float(draws.std()) * expansion, quantile, expansion)
    return with_limits(result, draws, estimate, "percentile")


def fit_logistic(
    features: Array, targets: Array, weights: Array, precision: Array, centre: Array
) -> Array:
    """Fit one penalised logistic regression per row of weights (B, n) by Newton's method: (B, k).

    Each minimises

        sum_i w_i CE(targets_i, expit(features_i . beta))
        + sum_k precision_k (beta_k - centre_k)^2 / 2

    features (n, k); targets (n,) in 0..1.
    """
    n, k = features.shape
    outer = (features[:, :, None] * features[:, None, :]).reshape(n, k * k)
    beta = np.tile(centre, (len(weights), 1))
    for _ in range(MAX_NEWTON_STEPS):
        predicted = _expit(beta @ features.T)  # (B, n)
        gradient = (weights * (targets - predicted)) @ features - precision * (beta - centre)
        curvature = (weights * predicted * (1 - predicted)) @ outer
        hessian = curvature.reshape(-1, k, k) + np.diag(precision)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        norm = np.linalg.norm(step, axis=1, keepdims=True)
        # Steps are cut to length 2: a full one overshoots where one side always wins.
        beta = beta + step * np.minimum(1, 2 / np.maximum(norm, 1e-12))
        if norm.max() < 1e-8:
            converged: Array = beta
            return converged
    raise ValueError(
        "the length-control regression did not converge: check the difficulties' scale"
    )


def _design(
    gap: Array,
    difficulty: ArrayLike | None,
    length_prior: tuple[float, float] | None,
    difficulty_prior: tuple[float, float] | None = None,
) -> tuple[Array, Array, Array]:
    """Features (n, 2 or 3): model, length, difficulty; and precision and centre of their prior."""
    scale = float(np.std(gap, ddof=1)) if len(gap) > 1 else 0.0
    columns = [np.ones(len(gap)), np.tanh(gap / (scale or 1.0))]
    if difficulty is not None:
        columns.append(as_values(difficulty, "difficulty"))
    precision, centre = np.full(len(columns), WEAK_PRECISION), np.zeros(len(columns))
    priors = {LENGTH: length_prior, DIFFICULTY: None if difficulty is None else difficulty_prior}
    for place, prior in priors.items():
        if prior is not None:
            mean, sd = prior
            centre[place], precision[place] = mean, sd**-2
    return np.column_stack(columns), precision, centre


def _extrapolation(gap: Array) -> str:
    """A note where hardly any answers of a are longer, or hardly any shorter, than those of b."""
    longer, shorter = float(np.mean(gap >= 0)), float(np.mean(gap <= 0))
    rarer = min(longer, shorter)
    if rarer >= MIN_RARER_SIDE:
        return ""
    side = "longer" if longer < shorter else "shorter"
    return f"equal length is extrapolated: only {rarer:.1%} of the answers are {side}"


def _expit(x: Array) -> Array:
    result: Array = 0.5 + 0.5 * np.tanh(x / 2)
    return result
