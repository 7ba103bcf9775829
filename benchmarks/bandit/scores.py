"""From the policies of all runs to metrics, items and learning curves.

A trial is one dataset with one setting, named "D1/tau=0.1". Its metrics are "D1/tau=0.1/a", the
probability of an arm after the last step, and its distance from what theory says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from suite import CurvePoint, ItemScore, Metric, Scores
from suite.stats import mean_interval_t

from .datasets import Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

GAPS = ("gap_to_ipo_optimum", "gap_to_dpo_limit")
OWN_GAP = "gap_to_own_optimum"
DECIMALS = 6
"""Of learning curves; metrics and items are exact."""


@dataclass(frozen=True)
class Trial:
    """What a method did with a dataset under one setting."""

    dataset: Dataset
    setting: str
    tau: float | None
    """The temperature; None for a method that has none."""
    steps: Sequence[int] = ()
    policies: Array | None = None
    """Probabilities after each of `steps`, (S, R, K); None where the loss is not defined."""
    own_optimum: Sequence[float] | None = None
    """Where theory says that this very method ends, (K,), if it does."""
    note: str = ""
    """Why the loss is not defined."""

    @property
    def name(self) -> str:
        """Dataset and setting."""
        return f"{self.dataset.name}/{self.setting}"


def scores(trials: Sequence[Trial]) -> Scores:
    """Everything about one cell: the summary first, then every trial."""
    items: list[ItemScore] = []
    metrics: list[Metric] = []
    for trial in trials:
        items += _items(trial)
        metrics += _metrics(trial)
    gaps = (*GAPS, OWN_GAP) if any(trial.own_optimum for trial in trials) else GAPS
    summary = [_largest(name, metrics) for name in gaps]
    return Scores(items, [*summary, *metrics], curve(trials))


def _largest(gap: str, metrics: Sequence[Metric]) -> Metric:
    """The largest of the trials' gaps of one kind; missing if one of them is."""
    found = [metric for metric in metrics if metric.name.endswith(f"/{gap}")]
    largest = 0.0
    for metric in found:
        if metric.value is None:
            reason = f"{metric.name}: {metric.note}"
            return Metric(gap, None, None, "probability", note=reason)
        largest = max(largest, metric.value)
    return Metric(gap, largest, None, "probability", found[0].n)


def _metrics(trial: Trial) -> Iterator[Metric]:
    """The policy at the end, the optimum beside it, and the gaps."""
    optimum: Sequence[float | None] = [None] * len(trial.dataset.arms)
    why = "the method has neither tau nor beta, and IPO's optimum depends on tau"
    if trial.tau is not None:
        optimum, why = trial.dataset.ipo_optimum(trial.tau).tolist(), ""
    for k, arm in enumerate(trial.dataset.arms):
        name = f"{trial.name}/{arm}"
        yield _probability(trial, k)
        yield Metric(f"{name}_ipo_optimum", optimum[k], None, "probability", note=why)
        if trial.own_optimum:
            yield Metric(f"{name}_own_optimum", trial.own_optimum[k], None, "probability")
    for gap, target in zip(GAPS, (optimum, trial.dataset.dpo_limit), strict=True):
        yield _gap(f"{trial.name}/{gap}", trial, target, why)
    if trial.own_optimum:
        yield _gap(f"{trial.name}/{OWN_GAP}", trial, trial.own_optimum, why)


def _probability(trial: Trial, k: int) -> Metric:
    """The final probability of arm k: mean over the runs, with its interval."""
    name = f"{trial.name}/{trial.dataset.arms[k]}"
    if trial.policies is None:
        return Metric(name, None, None, "probability", note=trial.note)
    over_runs = mean_interval_t(trial.policies[-1, :, k])
    return Metric(
        name, over_runs.value, None, "probability", over_runs.n, over_runs.n_clusters,
        over_runs.low, over_runs.high, over_runs.note,
    )  # fmt: skip


def _gap(name: str, trial: Trial, target: Sequence[float | None], why: str) -> Metric:
    """The largest distance, over arms, of the mean over runs from `target`."""
    if trial.policies is None or None in target:
        return Metric(name, None, None, "probability", note=trial.note or why)
    final = trial.policies[-1].mean(axis=0)  # (K,)
    gap = float(np.abs(final - np.array(target)).max())
    return Metric(name, gap, None, "probability", n=trial.policies.shape[1])


def _items(trial: Trial) -> Iterator[ItemScore]:
    """The final probability of each arm in each run."""
    if trial.policies is None:
        return
    for run, policy in enumerate(trial.policies[-1]):
        for arm, value in zip(trial.dataset.arms, policy, strict=True):
            yield ItemScore(
                "probability", trial.name, f"run {run}/{arm}", f"run {run}", float(value)
            )


def curve(trials: Sequence[Trial]) -> list[CurvePoint]:
    """Mean policies over the runs, by step; at the first step the optimum as well."""
    points: dict[int, dict[str, float]] = {}
    for trial in trials:
        if trial.policies is None:
            continue
        means = trial.policies.mean(axis=1)  # (S, K)
        for arm, values in zip(trial.dataset.arms, means.T, strict=True):
            for step, value in zip(trial.steps, values, strict=True):
                points.setdefault(step, {})[f"{trial.name}/{arm}"] = round(float(value), DECIMALS)
        if trial.own_optimum:
            target, optimum = "its own optimum", trial.own_optimum
        elif trial.tau is not None:
            target, optimum = "IPO's optimum", trial.dataset.ipo_optimum(trial.tau).tolist()
        else:
            continue
        for arm, value in zip(trial.dataset.arms, optimum, strict=True):
            points[0][f"{trial.name}/{arm}*{target}"] = round(float(value), DECIMALS)
    return [CurvePoint(step, points[step]) for step in sorted(points)]
