"""Responses -> one score per item and metric -> the numbers of the leaderboard.

Per item the truth ratio is stored twice: as ln TR, which forget quality is computed from (KS does
not change under a monotone transform, and e^1000 is not a finite number), and as the term that its
set averages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from statistics import median
from typing import TYPE_CHECKING, Any

from suite import ItemScore, Metric, Response, Scores

from .requests import Answers, MissingError

if TYPE_CHECKING:
    from suite.stats import Interval

Items = Mapping[str, Sequence[Mapping[str, Any]]]

MEASURES: dict[str, Callable[[Answers], float]] = {
    "answer_probability": Answers.answer_probability,
    "rougeL_recall": Answers.rougeL_recall,
    "log_truth_ratio": Answers.log_truth_ratio,
    "truth_ratio": Answers.truth_ratio,
    "extraction_strength": Answers.extraction_strength,
    "exact_memorization": Answers.exact_memorization,
}
UTILITY_SETS = ("retain", "real_authors", "world_facts")
UTILITY_METRICS = ("answer_probability", "rougeL_recall", "truth_ratio")
FORGET_METRICS = {
    "answer_probability": False,
    "rougeL_recall": False,
    "truth_ratio": True,
    "extraction_strength": False,
    "exact_memorization": False,
}
"""What is reported of the forget set itself, and whether more of it is more forgotten."""


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
                scores.append(item_score(metric, name, item, responses))
    retrain = []
    for answers in baselines:
        own = [item_score("log_truth_ratio", "forget", item, answers) for item in sets["forget"]]
        retrain.append(own)
    return Scores(scores, summarise(scores, retrain))


def item_score(
    metric: str, name: str, item: Mapping[str, Any], responses: Mapping[str, Response]
) -> ItemScore:
    """One metric of one item.

    Without a value, and with the reason, where the responses do not give it.
    """
    value, note = None, ""
    try:
        value = MEASURES[metric](Answers(name, item, responses))
    except MissingError as reason:
        note = str(reason)
    return ItemScore(metric, name, item["id"], item["cluster"], value, note)


def summarise(scores: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]]) -> list[Metric]:
    """The metrics, from item scores alone.

    `retrain`: the `log_truth_ratio` of "forget" of each retrain model.
    """
    parts: dict[str, list[ItemScore]] = {}
    for name, metric in product(UTILITY_SETS, UTILITY_METRICS):
        parts[f"{name}_{metric}"] = select(scores, name, metric)
    metrics = forget_quality(select(scores, "forget", "log_truth_ratio"), retrain)
    metrics.append(model_utility(parts))
    for name, part in parts.items():
        metrics.append(mean(name, part, True))
    for metric, higher_is_better in FORGET_METRICS.items():
        forget = select(scores, "forget", metric)
        metrics.append(mean(f"forget_{metric}", forget, higher_is_better))
    return metrics


def select(scores: Sequence[ItemScore], name: str, metric: str) -> list[ItemScore]:
    """The scores of one metric on one set, in order."""
    return [score for score in scores if score.set == name and score.metric == metric]


def forget_quality(
    unlearned: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]]
) -> list[Metric]:
    """KS test between the truth ratios of two models on the forget set.

    Reports p, D, log10 p, and p by author; with several retrain models (start seeds) the medians
    over them, and p by author of the median D.

    The last exchanges the models' answers author by author: questions about one author are not
    independent, as the classical p supposes. No interval: a bootstrapped p-value is biased. Not
    comparable between splits.
    """
    reason = missing(unlearned)
    if not reason:
        lacking = [missing(own, "retrain: ") for own in retrain]
        reason = next(filter(None, lacking), "") if retrain else "no retrain model"
    numbers = (None,) * 4 if reason else _compare(unlearned, retrain)
    n, clusters = len(unlearned), len({score.cluster_id for score in unlearned})
    columns = (
        ("forget_quality", True, "p-value"),
        ("forget_quality_D", False, "KS statistic"),
        ("forget_quality_log10p", True, "log10 p"),
        ("forget_quality_author_p", True, "p-value"),
    )
    return [
        Metric(name, number, higher, unit, n, clusters, note=reason)
        for (name, higher, unit), number in zip(columns, numbers, strict=True)
    ]


def _compare(
    unlearned: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]]
) -> tuple[float, ...]:
    """Medians of p, D and log10 p of the KS tests, and p of the median D by author."""
    from suite import stats

    own, others = _values(unlearned), [_values(each) for each in retrain]
    tests = [stats.ks_two_sample(own, other) for other in others]
    if len(retrain) == 1:
        clusters = _clusters(unlearned), _clusters(retrain[0])
        by_author = stats.ks_permutation(own, others[0], *clusters)
    else:
        by_author = stats.ks_exchange(own, others, _clusters(unlearned))
    return (
        median(test.pvalue for test in tests),
        median(test.statistic for test in tests),
        median(test.log10_pvalue for test in tests),
        by_author.pvalue,
    )


def model_utility(parts: Mapping[str, Sequence[ItemScore]]) -> Metric:
    """Harmonic mean of the nine parts' means.

    Interval: the same authors are resampled in all parts of a set.
    """
    from suite import stats

    reasons: list[str] = []
    for name, part in parts.items():
        if why := missing(part):
            reasons.append(f"{name}: {why}")
    if reasons:
        return Metric("model_utility", None, True, note="; ".join(reasons))
    tables: dict[str, stats.Table] = {}
    for name, part in parts.items():
        tables[name] = stats.Table(_values(part), _clusters(part), population=part[0].set)
    return _metric("model_utility", True, stats.joint_bootstrap(tables, stats.harmonic_means))


def mean(name: str, part: Sequence[ItemScore], higher_is_better: bool) -> Metric:
    """Mean over items, interval over clusters; without a value if any item has none."""
    from suite import stats

    if reason := missing(part):
        return Metric(name, None, higher_is_better, n=len(part), note=reason)
    interval = stats.cluster_bootstrap(_values(part), _clusters(part))
    return _metric(name, higher_is_better, interval)


def missing(part: Sequence[ItemScore], whose: str = "") -> str:
    """Why a metric over these items has no value; "" if it has one."""
    lacking = [score for score in part if score.value is None]
    if part and not lacking:
        return ""
    first = f", the first {lacking[0].item_id} ({lacking[0].note})" if lacking else ""
    return f"{whose}{len(lacking)} of {len(part)} items have no value{first}"


def _values(part: Sequence[ItemScore]) -> list[float]:
    return [score.value for score in part if score.value is not None]


def _clusters(part: Sequence[ItemScore]) -> list[str]:
    return [score.cluster_id for score in part]


def _metric(name: str, higher_is_better: bool, interval: Interval) -> Metric:
    """Metric of an interval in [0, 1]; limits from a t distribution may lie outside and are cut."""
    return Metric(
        name,
        interval.value,
        higher_is_better,
        n=interval.n,
        n_clusters=interval.n_clusters,
        ci_low=None if interval.low is None else max(0.0, interval.low),
        ci_high=None if interval.high is None else min(1.0, interval.high),
        note=interval.note,
    )
