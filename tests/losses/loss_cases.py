"""Every loss whose rows are vectors, beside the same equation in plain NumPy, stable or not.

A case: the loss, its arguments' kinds, the equation, its settings. Kinds: "sum" is a summed
log-probability, "mean" one per token, "reward" any real number. lw, ll: the chosen and the rejected
answer under the policy; rw, rl: under the reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suite import losses

Array = NDArray[np.float64]
PAIR = ("sum", "sum", "sum", "sum")
ROWS = 6
DESIRABLE = np.array([True, False, True, True, False, False])


def sigma(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def log_sigma(x: Array) -> Array:
    return np.log(sigma(x))


@dataclass(frozen=True)
class Case:
    loss: Callable[..., torch.Tensor]
    kinds: tuple[str, ...]
    equation: Callable[..., Array]
    settings: dict[str, Any] = field(default_factory=dict)
    row_wise: bool = True

    def __call__(self, *args: torch.Tensor) -> torch.Tensor:
        return self.loss(*args, **self.settings)


def kto(policy: torch.Tensor, reference: torch.Tensor, **settings: float) -> torch.Tensor:
    desirable = torch.from_numpy(np.resize(DESIRABLE, policy.shape))
    return losses.kto(policy, reference, desirable, **settings)


def kto_equation(
    p: Array, r: Array, z0: float, beta: float, desirable_weight: float, undesirable_weight: float
) -> Array:
    good = desirable_weight * (1 - sigma(beta * (p - r - z0)))
    bad = undesirable_weight * (1 - sigma(beta * (z0 - p + r)))
    return np.where(np.resize(DESIRABLE, p.shape), good, bad)


def exo_equation(
    lw: Array, ll: Array, rw: Array, rl: Array, beta: float, label_smoothing: float
) -> Array:
    q = sigma(beta * (lw - rw - ll + rl))
    return q * np.log(q / (1 - label_smoothing)) + (1 - q) * np.log((1 - q) / label_smoothing)


def discopop_equation(lw: Array, ll: Array, rw: Array, rl: Array, beta: float, tau: float) -> Array:
    z = beta * (lw - rw - ll + rl)
    gate = sigma(z / tau)
    return (1 - gate) * np.log(1 + np.exp(-z)) + gate * np.exp(-z)


def cdpo_equation(
    lw: Array, ll: Array, rw: Array, rl: Array, beta: float, label_smoothing: float = 0.0
) -> Array:
    z = beta * (lw - rw - ll + rl)
    return -(1 - label_smoothing) * log_sigma(z) - label_smoothing * log_sigma(-z)


def robust_equation(
    lw: Array, ll: Array, rw: Array, rl: Array, beta: float, label_smoothing: float
) -> Array:
    z = beta * (lw - rw - ll + rl)
    return (-(1 - label_smoothing) * log_sigma(z) + label_smoothing * log_sigma(-z)) / (
        1 - 2 * label_smoothing
    )


def orpo_equation(lw: Array, ll: Array, odds_ratio_weight: float) -> Array:
    odds_w, odds_l = np.exp(lw) / (1 - np.exp(lw)), np.exp(ll) / (1 - np.exp(ll))
    return -lw + odds_ratio_weight * np.log(1 + odds_l / odds_w)


def with_divergence(score: Callable[[Array], Array]) -> Callable[..., Array]:
    def equation(
        lw: Array, ll: Array, rw: Array, rl: Array, beta: float, divergence: object
    ) -> Array:
        return -log_sigma(beta * (score(np.exp(lw - rw)) - score(np.exp(ll - rl))))

    return equation


CASES: dict[str, Case] = {
    "dpo": Case(losses.dpo, PAIR, cdpo_equation, {"beta": 0.3}),
    "dpo_smoothed": Case(losses.dpo, PAIR, cdpo_equation, {"beta": 0.3, "label_smoothing": 0.2}),
    "dpo_forward_kl": Case(
        losses.dpo,
        PAIR,
        with_divergence(lambda t: -1 / t),
        {"beta": 0.3, "divergence": losses.forward_kl},
    ),
    "dpo_jensen_shannon": Case(
        losses.dpo,
        PAIR,
        with_divergence(lambda t: np.log(2 * t / (1 + t))),
        {"beta": 0.3, "divergence": losses.jensen_shannon},
    ),
    "dpo_alpha": Case(
        losses.dpo,
        PAIR,
        with_divergence(lambda t: -(t**-0.4) / 0.4),
        {"beta": 0.3, "divergence": losses.alpha_divergence(0.4)},
    ),
    "cdpo": Case(losses.cdpo, PAIR, cdpo_equation, {"beta": 0.2, "label_smoothing": 0.1}),
    "robust_dpo": Case(
        losses.robust_dpo, PAIR, robust_equation, {"beta": 0.2, "label_smoothing": 0.3}
    ),
    "ipo": Case(
        losses.ipo,
        PAIR,
        lambda lw, ll, rw, rl, tau: (lw - rw - ll + rl - 0.5 / tau) ** 2,
        {"tau": 0.4},
    ),
    "ipo_mean": Case(
        losses.ipo_mean,
        ("mean",) * 4,
        lambda lw, ll, rw, rl, tau: (lw - rw - ll + rl - 0.5 / tau) ** 2,
        {"tau": 0.4},
    ),
    "psipo": Case(
        losses.psipo,
        (*PAIR, "reward", "reward"),
        lambda lw, ll, rw, rl, pw, pl, tau: (lw - rw - ll + rl - (pw - pl) / tau) ** 2,
        {"tau": 0.7},
    ),
    "dpop": Case(
        losses.dpop,
        PAIR,
        lambda lw, ll, rw, rl, beta, penalty: (
            -log_sigma(beta * (lw - rw - ll + rl - penalty * np.maximum(0, rw - lw)))
        ),
        {"beta": 0.1, "penalty": 5.0},
    ),
    "rso_hinge": Case(
        losses.rso_hinge,
        PAIR,
        lambda lw, ll, rw, rl, beta: np.maximum(0, 1 - beta * (lw - rw - ll + rl)),
        {"beta": 0.3},
    ),
    "exo": Case(losses.exo, PAIR, exo_equation, {"beta": 0.3, "label_smoothing": 0.1}),
    "discopop": Case(losses.discopop, PAIR, discopop_equation, {"beta": 0.1, "tau": 0.3}),
    "nca": Case(
        losses.nca,
        PAIR,
        lambda lw, ll, rw, rl, beta: (
            -log_sigma(beta * (lw - rw))
            - 0.5 * log_sigma(-beta * (lw - rw))
            - 0.5 * log_sigma(-beta * (ll - rl))
        ),
        {"beta": 0.3},
    ),
    "bco": Case(
        losses.bco,
        PAIR,
        lambda lw, ll, rw, rl, beta, delta: (
            -log_sigma(beta * (lw - rw) - delta) - log_sigma(delta - beta * (ll - rl))
        ),
        {"beta": 0.3, "delta": -0.6},
    ),
    "sppo_hard": Case(
        losses.sppo_hard,
        PAIR,
        lambda lw, ll, rw, rl, beta: (lw - rw - 0.5 / beta) ** 2 + (ll - rl + 0.5 / beta) ** 2,
        {"beta": 0.3},
    ),
    "apo_zero": Case(
        losses.apo_zero,
        PAIR,
        lambda lw, ll, rw, rl, beta: 1 - sigma(beta * (lw - rw)) + sigma(beta * (ll - rl)),
        {"beta": 0.3},
    ),
    "apo_down": Case(
        losses.apo_down,
        PAIR,
        lambda lw, ll, rw, rl, beta: (
            sigma(beta * (lw - rw)) + 1 - sigma(beta * (lw - rw - ll + rl))
        ),
        {"beta": 0.3},
    ),
    "aot": Case(
        losses.aot,
        PAIR,
        lambda lw, ll, rw, rl, beta, label_smoothing: cdpo_equation(
            np.sort(lw - ll), np.sort(rw - rl), 0 * lw, 0 * lw, beta, label_smoothing
        ),
        {"beta": 0.3, "label_smoothing": 0.1},
        row_wise=False,
    ),
    "idk_dpo": Case(
        losses.idk_dpo,
        PAIR,
        lambda lw, ll, rw, rl, beta: 2 / beta * cdpo_equation(lw, ll, rw, rl, beta),
        {"beta": 0.3},
    ),
    "npo": Case(
        losses.npo,
        ("sum", "sum"),
        lambda p, r, beta: 2 / beta * np.log(1 + np.exp(p - r) ** beta),
        {"beta": 0.3},
    ),
    "simnpo": Case(
        losses.simnpo,
        ("mean",),
        lambda m, beta, margin: -2 / beta * log_sigma(-beta * m - margin),
        {"beta": 4.5, "margin": 0.5},
    ),
    "kto": Case(
        kto,
        ("sum", "sum"),
        kto_equation,
        {"z0": 0.8, "beta": 0.3, "desirable_weight": 1.33, "undesirable_weight": 0.7},
    ),
    "unlikelihood": Case(
        losses.unlikelihood, ("sum", "sum"), lambda lw, ll, alpha: -lw + alpha * ll, {"alpha": 0.1}
    ),
    "unlikelihood_floor": Case(
        losses.unlikelihood,
        ("sum", "sum"),
        lambda lw, ll, alpha, floor: -lw + alpha * np.maximum(ll, floor),
        {"alpha": 0.1, "floor": -8.0},
    ),
    "slic": Case(
        losses.slic,
        ("sum", "sum", "mean"),
        lambda lw, ll, m, delta, nll_weight: np.maximum(0, delta - lw + ll) - nll_weight * m,
        {"delta": 1.5, "nll_weight": 0.1},
    ),
    "cpo": Case(
        losses.cpo,
        ("sum", "sum", "mean"),
        lambda lw, ll, m, beta, alpha: -log_sigma(beta * (lw - ll)) - alpha * m,
        {"beta": 0.3, "alpha": 0.9},
    ),
    "simpo": Case(
        losses.simpo,
        ("mean", "mean"),
        lambda lw, ll, beta, gamma_beta_ratio: (
            -log_sigma(beta * (lw - ll) - beta * gamma_beta_ratio)
        ),
        {"beta": 2.0, "gamma_beta_ratio": 0.25},
    ),
    "orpo": Case(losses.orpo, ("mean", "mean"), orpo_equation, {"odds_ratio_weight": 0.3}),
    "reward_model": Case(
        losses.reward_model,
        ("reward", "reward", "reward"),
        lambda lw, ll, margin, centering: -log_sigma(lw - ll - margin) + centering * (lw + ll) ** 2,
        {"centering": 0.01},
    ),
}


def draw(case: Case, seed: int) -> list[Array]:
    """Arguments of a case, near enough to each other that the plain equations do not overflow."""
    rng = np.random.default_rng(seed)
    base = {
        "sum": lambda: -rng.uniform(5.0, 11.0, ROWS),
        "mean": lambda: -rng.gamma(2.0, 0.5, ROWS),
        "reward": lambda: rng.normal(0, 1.5, ROWS),
    }
    return [base[kind]() for kind in case.kinds]
