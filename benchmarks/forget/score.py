"""Responses -> one score per item and metric -> what can be measured of own data.

A metric of a file that is not there has no value, and its note names the file.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

from suite import ItemScore, Metric, Response, Scores

from ..memorisation.answers import item_score
from ..memorisation.means import (
    FORGET_METRICS,
    clusters_of,
    harmonic,
    mean,
    missing,
    select,
    share,
    values_of,
)
from ..memorisation.quality import forget_quality
from .questions import Item, ItemAnswers

Sets = Mapping[str, Sequence[Item]]

ALWAYS: dict[str, Callable[[ItemAnswers], float]] = {
    "answer_probability": ItemAnswers.answer_probability,
    "token_loss": ItemAnswers.token_loss,
    "tokens": ItemAnswers.tokens,
    "extraction_strength": ItemAnswers.extraction_strength,
    "exact_memorization": ItemAnswers.exact_memorization,
}
CONTINUED: dict[str, Callable[[ItemAnswers], float]] = {"rougeL_recall": ItemAnswers.rougeL_recall}
WITH_ALTERNATES: dict[str, Callable[[ItemAnswers], float]] = {
    "log_truth_ratio": ItemAnswers.log_truth_ratio,
    "truth_ratio": ItemAnswers.truth_ratio,
}
KEPT = ("retain", "utility")
"""Sets that should still be known."""
UTILITY = ("answer_probability", "rougeL_recall")
"""What is reported of them, and what `retain_utility` is the harmonic mean of."""
LARGEST = math.log(sys.float_info.max)
NOT_CONTINUED = "holdout"
"""The set of which only the loss is asked."""


def score(
    sets: Sets, responses: Mapping[str, Response], baselines: Sequence[Mapping[str, Response]]
) -> Scores:
    """All item scores and metrics. `baselines`: the answers of retrain models, one for each start
    seed."""
    scores = [score for name, item in _items(sets) for score in _scores(name, item, responses)]
    distance = "log_truth_ratio" if _has_alternates(sets) else "token_loss"
    retrain = []
    for answers in baselines:
        own = [one for item in sets["forget"] for one in _scores("forget", item, answers)]
        retrain.append(select(own, "forget", distance))
    return Scores(scores, summarise(sets, scores, retrain, distance))


def _items(sets: Sets) -> Iterator[tuple[str, Item]]:
    for name, items in sets.items():
        for item in items:
            yield name, item


def _scores(name: str, item: Item, responses: Mapping[str, Response]) -> Iterator[ItemScore]:
    """The scores of one item."""
    answers = ItemAnswers(item, responses)
    measures = dict(ALWAYS)
    if name != NOT_CONTINUED:
        measures |= CONTINUED
    if "alternate" in item:
        measures |= WITH_ALTERNATES
    for metric, measure in measures.items():
        yield item_score(metric, name, item["id"], item["cluster"], partial(measure, answers))


def _has_alternates(sets: Sets) -> bool:
    return "alternate" in sets["forget"][0]


def summarise(
    sets: Sets,
    scores: Sequence[ItemScore],
    retrain: Sequence[Sequence[ItemScore]],
    distance: str,
) -> list[Metric]:
    """The metrics, from item scores alone; `distance`: the score whose distribution is compared
    with the retrain model's."""
    found = forget_quality(select(scores, "forget", distance), retrain, "cluster")
    for metric, higher_is_better in FORGET_METRICS.items():
        name = f"forget_{metric}"
        if metric == "truth_ratio" and not _has_alternates(sets):
            found.append(_absent(name, "alternate", higher_is_better))
        else:
            found.append(mean(name, select(scores, "forget", metric), higher_is_better))
    found += [perplexity("forget", scores, None), membership(sets, scores)]
    parts = {f"retain_{metric}": select(scores, "retain", metric) for metric in UTILITY}
    whole = harmonic("retain_utility", parts)
    found.append(whole if "retain" in sets else _absent("retain_utility", "retain", True))
    for name, metric in product(KEPT, UTILITY):
        full = f"{name}_{metric}"
        part = select(scores, name, metric)
        found.append(mean(full, part, True) if name in sets else _absent(full, name, True))
    for name in KEPT:
        full = f"{name}_perplexity"
        found.append(
            perplexity(name, scores, False) if name in sets else _absent(full, name, False)
        )
    return found


def perplexity(name: str, scores: Sequence[ItemScore], higher_is_better: bool | None) -> Metric:
    """exp(sum of the losses of all tokens / their number), interval over clusters."""
    from suite import stats

    full = f"{name}_perplexity"
    losses, tokens = select(scores, name, "token_loss"), select(scores, name, "tokens")
    if reason := missing(losses):
        return Metric(full, None, higher_is_better, n=len(losses), note=reason)
    counts = values_of(tokens)
    sums = [loss * count for loss, count in zip(values_of(losses), counts, strict=True)]
    tables = {
        "token_loss": stats.Table(sums, clusters_of(losses), name),
        "tokens": stats.Table(counts, clusters_of(losses), name),
    }
    # In logarithms: the loss of a collapsed model may be hundreds of nats.
    found = stats.joint_bootstrap(tables, _per_token)
    metric = Metric(full, None, higher_is_better, n=found.n, n_clusters=found.n_clusters)
    value = _exp(found.value)
    if value is None:
        return replace(metric, note=f"exp({found.value}) is too large for a number")
    low, high = _exp(found.low), _exp(found.high)
    return replace(metric, value=value, ci_low=low, ci_high=high, note=found.note)


def _per_token(means: Mapping[str, Any]) -> Any:
    return means["token_loss"] / means["tokens"]


def _exp(log: float | None) -> float | None:
    """None where it is no finite number."""
    return None if log is None or log > LARGEST else math.exp(log)


def membership(sets: Sets, scores: Sequence[ItemScore]) -> Metric:
    """AUC of the attack by loss: P(a forget text is likelier than a holdout text), ties half.

    .5: the model tells nothing. A retrain model need not reach .5, so compare with its row.
    """
    from suite import stats

    if NOT_CONTINUED not in sets:
        return _absent("membership_auc", NOT_CONTINUED, None)
    members, others = (
        select(scores, "forget", "token_loss"),
        select(scores, NOT_CONTINUED, "token_loss"),
    )
    if reason := missing(members) or missing(others):
        return Metric("membership_auc", None, None, n=len(members) + len(others), note=reason)
    found = stats.auc(
        [-loss for loss in values_of(members)],
        [-loss for loss in values_of(others)],
        clusters_of(members),
        clusters_of(others),
    )
    return share("membership_auc", None, found)


def _absent(name: str, file: str, higher_is_better: bool | None) -> Metric:
    return Metric(name, None, higher_is_better, note=f"no {file} file")
