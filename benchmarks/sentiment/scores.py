"""Continuations -> reward, sequence KL and length of each prefix -> numbers of the leaderboard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from statistics import fmean
from typing import Any

from suite import Generated, ItemScore, Method, Metric, Prompt, Response, Reward, Scores

HELD_OUT = "held_out"
DIRECTIONS = {"reward": True, "kl": False, "tokens": None, "finished": None}
"""Metric of a continuation -> whether more is better."""
UNITS = {"kl": "nats", "tokens": "tokens"}


def score(
    items: Sequence[Mapping[str, Any]],
    responses: Mapping[str, Response],
    reward: Reward,
    method: Method[Any] | None,
) -> Scores:
    """Mean reward, sequence KL and length of the continuations of each held-out prefix.

    A method that chooses among the reference's continuations gets the bound of its KL.
    """
    answers = [Generated.of(responses[f"{item['id']}/continuation"]) for item in items]
    prompts: list[Prompt] = []
    texts: list[str] = []
    for item, answer in zip(items, answers, strict=True):
        prompts += [item["prompt"]] * len(answer.texts)
        texts += answer.texts
    # One call for all: a reward model reads texts in batches.
    rewards = iter(reward.score(prompts, texts))
    stored: list[ItemScore] = []
    found: dict[str, list[ItemScore]] = {name: [] for name in DIRECTIONS}
    for item, answer in zip(items, answers, strict=True):
        values = _item(answer, list(islice(rewards, len(answer.texts))))
        for name, value in values.items():
            note = "" if value is not None else "not measured"
            score = ItemScore(name, HELD_OUT, item["id"], item["cluster"], value, note)
            found[name].append(score)
            stored.append(score)
    metrics = [_bounded(_mean(name, part), method) for name, part in found.items()]
    return Scores(stored, metrics)


def _item(answer: Generated, rewards: Sequence[float]) -> dict[str, float | None]:
    """Means over the continuations of one prefix."""
    known = len(answer.kl) == len(rewards) and all(map(math.isfinite, answer.kl))
    return {
        "reward": fmean(rewards),
        "kl": fmean(answer.kl) if known else None,
        "tokens": fmean(map(len, answer.sampled)) if answer.sampled else None,
        "finished": fmean(answer.finished),
    }


def _mean(name: str, part: Sequence[ItemScore]) -> Metric:
    """Mean over prefixes with its interval; null with the reason if any prefix has no value."""
    from suite import stats

    better, unit = DIRECTIONS[name], UNITS.get(name, "")
    values = [score.value for score in part if score.value is not None]
    if len(values) < len(part):
        note = f"{len(part) - len(values)} of {len(part)} prefixes have no value"
        return Metric(name, None, better, unit, len(part), note=note)
    interval = stats.cluster_bootstrap(values, [score.cluster_id for score in part])
    low, high = interval.low, interval.high
    if name in ("reward", "finished"):  # limits from a t distribution may lie outside [0, 1]
        low = None if low is None else max(0.0, low)
        high = None if high is None else min(1.0, high)
    n, n_clusters = interval.n, interval.n_clusters
    return Metric(name, interval.value, better, unit, n, n_clusters, low, high, interval.note)


def _bounded(metric: Metric, method: Method[Any] | None) -> Metric:
    """For a method that answers in its own way: the bound of its KL, or why there is none."""
    own = method is not None and type(method).respond is not Method.respond
    if metric.name != "kl" or method is None or not own:
        return metric
    bound = method.kl_bound()
    note = "upper bound, not measured"
    if bound is None:
        note = f"{method.name} answers in its own way: no KL"
    return Metric("kl", bound, False, "nats", metric.n, metric.n_clusters, note=note)
