"""The two formats of results on TOFU: numbers of each question, by evaluation set and metric.

open-unlearning, TOFU_EVAL.json
    {"forget_Q_A_Prob": {"value_by_index": {"0": {"prob": .7}}}, ...}
TOFU's own, eval_log_aggregated.json
    {"eval_log_forget.json": {"avg_gt_loss": {"0": .3} or [.3]}, ...}

Truth ratios come from the answers' losses where the file has them: open-unlearning's score adds
1e-10 to a probability, which blurs a collapsed model. A question's author is its number // 20, as
in TOFU's tables.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from suite import UserError, metrics

QUESTIONS_PER_AUTHOR = 20
WITH_AUTHORS = ("forget", "retain")
"""Sets whose questions come from TOFU's authors, and have a paraphrased answer."""
METRICS = (
    "answer_probability",
    "rougeL_recall",
    "log_truth_ratio",
    "extraction_strength",
    "exact_memorization",
)
MEMORISATION = METRICS[3:]
"""Only open-unlearning has them, only of the forget set, and only if it is asked to: they may be
missing."""

SMALLEST = 5e-324
"""The smallest positive double."""

Column = Mapping[int, Any]
"""Value by question: a number, several (wrong answers), or None where the file has no finite
number."""


class MissingKeyError(Exception):
    """A key that the file should have."""


class Log(ABC):
    """One file of results."""

    kind: str

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.content = content

    @abstractmethod
    def values(self, name: str, metric: str) -> Column:
        """The numbers of a metric on a set.

        Raises MissingKeyError, or UserError for what is malformed.
        """

    def cluster(self, name: str, question: int) -> str:
        """The author of a question; a question about the real world is a cluster of its own."""
        if name in WITH_AUTHORS:
            return f"{name}/author/{question // QUESTIONS_PER_AUTHOR}"
        return f"{name}/{question}"

    def column(self, entries: Any, where: str, field: str = "") -> dict[int, Any]:
        """Numbers by question, from an object or a list.

        `field`: which field is read of entries that are objects.
        """
        if isinstance(entries, list):
            entries = dict(enumerate(entries))
        if not (isinstance(entries, dict) and entries):
            raise UserError(f"{self.path}: {where} holds no value for each question")
        found: dict[int, Any] = {}
        for key, entry in entries.items():
            found[self._question(key, where)] = self._number(entry, f"{where}.{key}", field)
        return found

    def _question(self, key: Any, where: str) -> int:
        """The number of a question."""
        if not str(key).isdecimal():
            raise UserError(f"{self.path}: {where}: {key!r} is not the number of a question")
        return int(key)

    def _number(self, entry: Any, where: str, field: str) -> Any:
        """A number or a list of numbers; None where one of them is missing or not finite."""
        if field and isinstance(entry, dict):
            if field not in entry:
                raise UserError(f"{self.path}: {where}: no {field!r}")
            entry = entry[field]
        numbers = entry if isinstance(entry, list) else [entry]
        for number in numbers:
            # bool is a subclass of int, but `true` in a file is no measurement.
            if isinstance(number, bool) or not isinstance(number, int | float | None):
                raise UserError(f"{self.path}: {where}: {number!r} is not a number")
        finite = all(number is not None and math.isfinite(number) for number in numbers)
        return entry if numbers and finite else None


class OpenUnlearning(Log):
    """open-unlearning's results.

    metric -> {"agg_value": ..., "value_by_index": {question: {"prob": ..., "avg_loss": ...,
    "score": ...}}}.
    """

    kind = "open-unlearning's TOFU_EVAL.json"
    prefixes: Mapping[str, str] = {
        "forget": "forget",
        "retain": "retain",
        "real_authors": "ra",
        "world_facts": "wf",
    }

    def values(self, name: str, metric: str) -> Column:
        """Probabilities from `prob`, except those over the options.

        ln TR from losses, or from the score.
        """
        prefix = self.prefixes[name]
        if metric in MEMORISATION:
            if name != "forget":
                raise MissingKeyError(metric)
            return self._by_index(metric, "score")
        if metric == "rougeL_recall":
            return self._by_index(f"{prefix}_Q_A_ROUGE", metric)
        if metric == "log_truth_ratio":
            return self._log_truth_ratio(name)
        if name in WITH_AUTHORS:
            return self._by_index(f"{prefix}_Q_A_Prob", "prob")
        losses = self._losses(f"{prefix}_Q_A_Prob", f"{prefix}_Q_A_PERT_Prob")
        if losses:
            return _joined(_normalised, *losses)
        return self._by_index(f"{prefix}_Q_A_Prob_normalised", "prob")

    def cluster(self, name: str, question: int) -> str:
        """As our own export says, if it made the file."""
        metric = self.content.get(truth_ratio_key(self.prefixes[name]), {})
        entry = metric.get("value_by_index", {}).get(str(question))
        said = entry.get("cluster_id") if isinstance(entry, dict) else None
        return said if isinstance(said, str) else super().cluster(name, question)

    def _log_truth_ratio(self, name: str) -> Column:
        """From the losses of the answers if they are there, else from the score.

        Our own export has the logarithm of the score.
        """
        prefix = self.prefixes[name]
        correct = f"{prefix}_Q_A_PARA_Prob" if name in WITH_AUTHORS else f"{prefix}_Q_A_Prob"
        if losses := self._losses(correct, f"{prefix}_Q_A_PERT_Prob"):
            return _joined(_log_ratio, *losses)
        key = truth_ratio_key(prefix)
        if self._has_log_scores(key):
            return self._by_index(key, "log_score")
        scores = self._by_index(key, "score")
        return {question: _logarithm(score) for question, score in scores.items()}

    def _has_log_scores(self, key: str) -> bool:
        """Whether the truth ratios stand there as logarithms, as in our own export."""
        entries = self._entries(key)
        if not isinstance(entries, dict):
            return False
        return all(isinstance(each, dict) and "log_score" in each for each in entries.values())

    def _losses(self, *keys: str) -> list[Column]:
        """The answers' losses of these metrics; [] if the file lacks one of them."""
        try:
            return [self._by_index(key, "avg_loss") for key in keys]
        except MissingKeyError:
            return []

    def _by_index(self, key: str, field: str) -> Column:
        """One field of each question's entry."""
        return self.column(self._entries(key), f"{key}.value_by_index", field)

    def _entries(self, key: str) -> Any:
        """The questions' entries of a metric. MissingKeyError if there are none."""
        metric = self.content.get(key)
        if not (isinstance(metric, dict) and "value_by_index" in metric):
            raise MissingKeyError(f"{key}.value_by_index" if key in self.content else key)
        return metric["value_by_index"]


class Original(Log):
    """The results of TOFU's own code.

    file -> {"avg_gt_loss": ..., "average_perturb_loss": ..., "avg_paraphrased_loss": ...,
    "rougeL_recall": ...}.
    """

    kind = "TOFU's eval_log_aggregated.json"
    files: Mapping[str, str] = {
        "forget": "eval_log_forget.json",
        "retain": "eval_log.json",
        "real_authors": "eval_real_author_wo_options.json",
        "world_facts": "eval_real_world_wo_options.json",
    }

    def values(self, name: str, metric: str) -> Column:
        """All from losses per token but ROUGE."""
        if metric == "rougeL_recall":
            return self._column(name, metric)
        if metric == "log_truth_ratio":
            correct = self._column(name, "avg_paraphrased_loss")
            wrongs = self._column(name, "average_perturb_loss")
            return _joined(_log_ratio, correct, wrongs)
        if metric in MEMORISATION:
            raise MissingKeyError(metric)
        losses = self._column(name, "avg_gt_loss")
        if name in WITH_AUTHORS:
            return {question: _probability(loss) for question, loss in losses.items()}
        return _joined(_normalised, losses, self._column(name, "average_perturb_loss"))

    def _column(self, name: str, key: str) -> Column:
        """One key of a set's file. MissingKeyError without it."""
        file = self.files[name]
        entries = self.content.get(file)
        if not isinstance(entries, dict):
            raise MissingKeyError(file)
        if key not in entries:
            raise MissingKeyError(f"{file}: {key}")
        return self.column(entries[key], f"{file}: {key}")


def truth_ratio_key(prefix: str) -> str:
    """The metric that holds the truth ratios of a set: its spelling differs on the forget set."""
    return "forget_truth_ratio" if prefix == "forget" else f"{prefix}_Truth_Ratio"


def _joined(
    function: Callable[[float, list[float]], float], correct: Column, wrongs: Column
) -> Column:
    """A function of the correct answer's loss and the wrong ones', where a question has both."""
    joined: dict[int, float | None] = {}
    for question, loss in correct.items():
        if question not in wrongs:
            continue
        wrong = wrongs[question]
        known = loss is not None and wrong is not None
        joined[question] = function(loss, _listed(wrong)) if known else None
    return joined


def _probability(loss: float | None) -> float | None:
    return None if loss is None else math.exp(-loss)


def _listed(losses: Any) -> list[float]:
    return losses if isinstance(losses, list) else [losses]


def _log_ratio(correct: float, wrongs: list[float]) -> float:
    """ln TR from losses per token; TR is wrong / correct."""
    return metrics.log_truth_ratio(-correct, [-loss for loss in wrongs])


def _normalised(correct: float, wrongs: list[float]) -> float:
    return metrics.normalised_probability(-correct, [-loss for loss in wrongs])


def _logarithm(score: float | None) -> float | None:
    """ln TR.

    A ratio that underflowed to 0 stays the smallest of all: the KS test looks at the order only.
    """
    return None if score is None or score < 0 else math.log(max(score, SMALLEST))
