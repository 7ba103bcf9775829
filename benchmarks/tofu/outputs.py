"""What the report shows of TOFU, and the files of open-unlearning that its results go into."""

from __future__ import annotations

from collections.abc import Iterator

from suite import Distribution, ItemTable, MetricColumn, OpenUnlearning, Tradeoff, Trajectory

PICTURES = (
    Tradeoff(),
    Distribution(
        metric="log_truth_ratio",
        set="forget",
        label="ln truth ratio, forget set",
        caption=(
            "Truth ratios of the forget questions, as cumulative distributions. Forget quality "
            "tests whether a method's truth ratios have the same distribution as those of the "
            "retrain model. The largest vertical gap between the two curves is the KS statistic D."
        ),
    ),
    Trajectory(),
)
COLUMNS = (
    MetricColumn(
        "forget_quality_D",
        title="D",
        below="forget_quality",
        help=(
            "the largest gap between the distributions of the method's truth ratios on the forget "
            "set and of the retrain model's, which never saw this set (0: no gap)."
        ),
        note=(
            "forget_quality: the p-value of a two-sample Kolmogorov-Smirnov test against the "
            "retrain model. A high value means that the test found no difference from it. D: the "
            "test's statistic, the largest gap between the two cumulative distributions (0: none)."
        ),
    ),
    MetricColumn(
        "model_utility",
        help=(
            "the harmonic mean of nine scores of what the model still knows: answer probability, "
            "ROUGE-L recall and truth ratio on the retain set, real authors and world facts."
        ),
    ),
    MetricColumn(
        "forget_quality_author_p",
        title="author p",
        below="forget_quality",
        note=(
            "Author p: the same test as a permutation test, which exchanges the models' answers "
            "by whole clusters. The classical p-value treats the models' answers as independent "
            "samples. They are answers to the same questions, so it is rather too large. A high "
            "value does not show that two models are alike."
        ),
    ),
)
PREFIXES = {"forget": "forget", "retain": "retain", "real_authors": "ra", "world_facts": "wf"}
"""Evaluation set -> how open-unlearning's names of its metrics begin."""


def _tables() -> Iterator[ItemTable]:
    """open-unlearning's names of the metrics."""
    for name, prefix in PREFIXES.items():
        normalised = "" if name in ("forget", "retain") else "_normalised"
        ratio = "forget_truth_ratio" if name == "forget" else f"{prefix}_Truth_Ratio"
        yield ItemTable(f"{prefix}_Q_A_Prob{normalised}", name, "answer_probability", "prob")
        yield ItemTable(f"{prefix}_Q_A_ROUGE", name, "rougeL_recall", "rougeL_recall")
        yield ItemTable(ratio, name, "truth_ratio", log_of="log_truth_ratio")
    for metric in ("extraction_strength", "exact_memorization"):
        yield ItemTable(metric, "forget", metric)


EXPORTS = (
    OpenUnlearning("TOFU", tuple(_tables()), aggregates=("forget_quality", "model_utility")),
)
