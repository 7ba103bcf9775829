"""Responses -> one score per item and metric -> the numbers of the leaderboard.

Per item the truth ratio is stored twice: as ln TR, which forget quality is computed from (KS does
not change under a monotone transform, and e^1000 is not a finite number), and as the term that its
set averages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from suite import ItemScore, Metric, Response, Scores

from ..memorisation.answers import item_score
from ..memorisation.means import FORGET_METRICS, harmonic, mean, select
from ..memorisation.quality import forget_quality
from .requests import TofuAnswers

Items = Mapping[str, Sequence[Mapping[str, Any]]]

MEASURES: dict[str, Callable[[TofuAnswers], float]] = {
    "answer_probability": TofuAnswers.answer_probability,
    "rougeL_recall": TofuAnswers.rougeL_recall,
    "log_truth_ratio": TofuAnswers.log_truth_ratio,
    "truth_ratio": TofuAnswers.truth_ratio,
    "extraction_strength": TofuAnswers.extraction_strength,
    "exact_memorization": TofuAnswers.exact_memorization,
}
UTILITY_SETS = ("retain", "real_authors", "world_facts")
UTILITY_METRICS = ("answer_probability", "rougeL_recall", "truth_ratio")


def score(
    sets: Items, responses: Mapping[str, Response], baselines: Sequence[Mapping[str, Response]]
) -> Scores:
    """All item scores and metrics.

    Metrics: forget quality, model utility and its nine parts, the forget set. `baselines`: the
    answers of retrain models, one for each start seed.
    """
    scores: list[ItemScore] = []
    for name, items in sets.items():
        for item in items:
            for metric in MEASURES:
                scores.append(_item_score(metric, name, item, responses))
    retrain = []
    for answers in baselines:
        own = [_item_score("log_truth_ratio", "forget", item, answers) for item in sets["forget"]]
        retrain.append(own)
    return Scores(scores, summarise(scores, retrain))


def _item_score(
    metric: str, name: str, item: Mapping[str, Any], responses: Mapping[str, Response]
) -> ItemScore:
    number = partial(MEASURES[metric], TofuAnswers(name, item, responses))
    return item_score(metric, name, item["id"], item["cluster"], number)


def summarise(scores: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]]) -> list[Metric]:
    """The metrics, from item scores alone.

    `retrain`: the `log_truth_ratio` of "forget" of each retrain model.
    """
    parts: dict[str, list[ItemScore]] = {}
    for name, metric in product(UTILITY_SETS, UTILITY_METRICS):
        parts[f"{name}_{metric}"] = select(scores, name, metric)
    metrics = forget_quality(select(scores, "forget", "log_truth_ratio"), retrain, "author")
    metrics.append(harmonic("model_utility", parts))
    for name, part in parts.items():
        metrics.append(mean(name, part, True))
    for metric, higher_is_better in FORGET_METRICS.items():
        forget = select(scores, "forget", metric)
        metrics.append(mean(f"forget_{metric}", forget, higher_is_better))
    return metrics
