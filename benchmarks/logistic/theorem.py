"""How fast GA and NPO leave the starting model (Zhang et al., arXiv 2404.05868, theorem 2).

Binary logistic regression, gradient descent on n <= d nearly orthogonal inputs. The distance of the
margins m_i = <w, x_i>, which is ||w_t - w_0|| in the norm of X^T X, grows linearly in t under GA,
logarithmically under NPO.

The rates follow from one row. Its label's margin m obeys, for a forgotten label (p -> 0) and step
size eta,

    GA    dm/dt = -(eta / n) |x|^2                    distance -> sqrt(n) (eta |x|^2 / n) t
    NPO   dm/dt = -(eta / n) |x|^2 2 (p / p_0)^beta   distance -> sqrt(n) (log t) / beta + constant

so the slopes below, divided by these, should be near 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from suite import CurvePoint, ItemScore, Method, Progress, Scores

from .descent import descend, generator
from .policy import Labelled, labelled
from .settings import THEOREM_LR, LogisticConfig
from .summaries import by_metric, items_of, mean

Array = NDArray[Any]

N_FORGET, DIMENSION = 10, 1000
LENGTH = 2.0
"""|x_i|. Random directions in 1000 dimensions have cosines of about 0.03."""
POINTS = 60
"""Steps, evenly spaced in log t, at which the distance is measured."""
FITTED = 0.05
"""The laws are asymptotic: they are fitted to the steps after this share of all."""


def problem(seed: int, repeat: int) -> tuple[Labelled, Tensor]:
    """Inputs (n, d) with labels drawn from the starting model, and its weights (d,).

    The margins have variance 1.
    """
    random = generator(seed, repeat)
    directions = torch.randn(N_FORGET, DIMENSION, generator=random, dtype=torch.float64)
    inputs = LENGTH * F.normalize(directions)
    start = torch.randn(DIMENSION, generator=random, dtype=torch.float64) / LENGTH
    labels = torch.bernoulli(torch.sigmoid(inputs @ start), generator=random).long()
    return labelled(inputs, labels, start), start


def distances(inputs: Tensor, weights: Tensor, start: Tensor) -> Tensor:
    """||w - w_0|| in the norm of X^T X. Shapes: (n, d), (S, d), (d,) -> (S,)."""
    moved: Tensor = (weights - start) @ inputs.T  # (S, n)
    return moved.square().sum(1).sqrt()


def laws(steps: Array, distance: Array, lr: float, beta: float | None) -> dict[str, float]:
    """Fit both laws to the later steps.

    Gives r2, the slope, and the slope over what the law predicts (see the module's text).
    """
    from scipy.stats import linregress

    late = steps >= FITTED * steps[-1]
    linear = linregress(steps[late], distance[late])
    log = linregress(np.log(steps[late]), distance[late])
    found = {
        "linear_r2": linear.rvalue**2,
        "log_r2": log.rvalue**2,
        "linear_slope": linear.slope,
        "log_slope": log.slope,
        "linear_slope_ratio": linear.slope * N_FORGET**0.5 / (lr * LENGTH**2),
        "distance": distance[-1],
    }
    if beta is not None:
        found["log_slope_ratio"] = log.slope * beta / N_FORGET**0.5
    return {name: float(value) for name, value in found.items()}


def variants(config: Any, betas: tuple[float, ...]) -> Iterator[tuple[str, float | None, Any]]:
    """Yield the ending of metrics' names, beta and settings, for every beta.

    The first one is the method's own beta.
    """
    own = getattr(config, "beta", None)
    yield "", own, config
    for beta in betas:
        if own not in (None, beta):
            yield f"/beta={beta:g}", beta, replace(config, beta=beta)


def measure(method: Method[Any], config: LogisticConfig, seed: int, progress: Progress) -> Scores:
    """Train from every random problem with every beta; fit both laws to each run."""
    lr = config.lr or THEOREM_LR
    at = np.unique(np.geomspace(1, config.steps, POINTS).round().astype(int))
    runs = list(product(variants(method.config, config.betas), range(config.repeats)))
    items: list[ItemScore] = []
    curves: dict[str, Array] = {}
    with progress.task(f"{method.name}: theorem", len(runs) * config.steps, "step") as bar:
        for (ending, beta, settings), repeat in runs:
            forget, start = problem(seed, repeat)
            fresh = type(method)(settings)
            weights = descend(
                fresh, start, {"forget": forget}, lr=lr, at=at.tolist(), advance=bar.advance
            )
            distance = distances(forget.inputs, weights, start).numpy()
            found = laws(at, distance, lr, beta)
            items += items_of(repeat, {name + ending: value for name, value in found.items()})
            line = "no beta" if beta is None else f"beta={beta:g}"
            curves[f"distance_over_the_last/problem_{repeat}/{line}"] = distance / distance[-1]
    curve: list[CurvePoint] = []
    for place, step in enumerate(at):
        shares = {name: float(line[place]) for name, line in curves.items()}
        curve.append(CurvePoint(int(step), shares))
    metrics = [mean(name, values) for name, values in by_metric(items).items()]
    return Scores(items, metrics, curve)
