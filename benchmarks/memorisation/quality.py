"""Forget quality: can the unlearned model be told from a retrain model by its scores?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from suite import ItemScore, Metric

from .means import clusters_of, missing, values_of


def forget_quality(
    unlearned: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]], by: str
) -> list[Metric]:
    """KS test between the scores of two models on the forget set (TOFU: of the truth ratios).

    Reports p, D, log10 p, and p by cluster (`by`: what a cluster is called); with several retrain
    models (start seeds) the medians over them, and p by cluster of the median D.

    The last exchanges the models' answers cluster by cluster: questions about one author are not
    independent, as the classical p supposes. No interval: a bootstrapped p-value is biased. Not
    comparable between splits.
    """
    reason = missing(unlearned)
    if not reason:
        lacking = [missing(own, "retrain: ") for own in retrain]
        reason = next(filter(None, lacking), "") if retrain else "no retrain model"
    numbers = (None,) * 4 if reason else _compare(unlearned, retrain)
    n, clusters = len(unlearned), len(set(clusters_of(unlearned)))
    columns = (
        ("forget_quality", True, "p-value"),
        ("forget_quality_D", False, "KS statistic"),
        ("forget_quality_log10p", True, "log10 p"),
        (f"forget_quality_{by}_p", True, "p-value"),
    )
    return [
        Metric(name, number, higher, unit, n, clusters, note=reason)
        for (name, higher, unit), number in zip(columns, numbers, strict=True)
    ]


def _compare(
    unlearned: Sequence[ItemScore], retrain: Sequence[Sequence[ItemScore]]
) -> tuple[float, ...]:
    """Medians of p, D and log10 p of the KS tests, and p of the median D by cluster."""
    from suite import stats

    own, others = values_of(unlearned), [values_of(each) for each in retrain]
    tests = [stats.ks_two_sample(own, other) for other in others]
    if len(retrain) == 1:
        clusters = clusters_of(unlearned), clusters_of(retrain[0])
        by_cluster = stats.ks_permutation(own, others[0], *clusters)
    else:
        by_cluster = stats.ks_exchange(own, others, clusters_of(unlearned))
    return (
        median(test.pvalue for test in tests),
        median(test.statistic for test in tests),
        median(test.log10_pvalue for test in tests),
        by_cluster.pvalue,
    )
