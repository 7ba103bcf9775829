"""TOFU_EVAL.json and TOFU_SUMMARY.json of open-unlearning, for cells of the benchmark `tofu`.

{"forget_Q_A_ROUGE": {"agg_value": .4, "value_by_index": {"0": {"rougeL_recall": .5}}}, ...}

Two fields are ours: `log_score` beside a truth ratio's `score` is its logarithm, which does not
overflow or underflow, and `cluster_id` is the author. `suite score --bench tofu` reads both; other
programs ignore them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

from suite.api.cells import CellResult
from suite.results.samples import Sample
from suite.results.schema import Results

PREFIXES = {"forget": "forget", "retain": "retain", "real_authors": "ra", "world_facts": "wf"}
"""Evaluation set -> how open-unlearning's names of its metrics begin."""
AGGREGATES = ("forget_quality", "model_utility")
LARGEST_LOG = 709.0
"""A larger power of e overflows a double."""

Entry = dict[str, Any]


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, str]:
    """Return the two files of one cell; none for another benchmark, or without answers."""
    if cell.cell.benchmark != "tofu" or not samples:
        return {}
    evaluation = dict(_read_metrics(samples))
    known = {metric.name: metric.value for metric in cell.metrics}
    for name in AGGREGATES:
        if name in known:
            evaluation[name] = {"agg_value": known[name]}
    summary = {name: metric["agg_value"] for name, metric in evaluation.items()}
    return {
        "TOFU_EVAL.json": json.dumps(evaluation, indent=4) + "\n",
        "TOFU_SUMMARY.json": json.dumps(summary, indent=4) + "\n",
    }


def _read_metrics(samples: Sequence[Sample]) -> Iterator[tuple[str, Entry]]:
    """Return open-unlearning's name of each metric, and its values."""
    for name, prefix in PREFIXES.items():
        asked = [sample for sample in samples if sample.set == name]
        normalised = "" if name in ("forget", "retain") else "_normalised"
        yield f"{prefix}_Q_A_Prob{normalised}", _gather(asked, "answer_probability", "prob")
        yield f"{prefix}_Q_A_ROUGE", _gather(asked, "rougeL_recall", "rougeL_recall")
        ratio = "forget_truth_ratio" if name == "forget" else f"{prefix}_Truth_Ratio"
        yield ratio, _gather_truth_ratios(asked)
    forget = [sample for sample in samples if sample.set == "forget"]
    for metric in ("extraction_strength", "exact_memorization"):
        yield metric, _gather(forget, metric, "score")


def _gather(asked: Sequence[Sample], metric: str, field: str) -> Entry:
    """Return the values by the item's number in its set, and their mean; null if any is missing."""
    values, entries = [], {}
    for sample in asked:
        value = sample.scores.get(metric)
        values.append(value)
        entries[_number(sample)] = {field: value}
    known = [value for value in values if value is not None]
    mean = fmean(known) if known and len(known) == len(values) else None
    return {"agg_value": mean, "value_by_index": entries}


def _gather_truth_ratios(asked: Sequence[Sample]) -> Entry:
    found = _gather(asked, "truth_ratio", "score")
    for sample in asked:
        found["value_by_index"][_number(sample)] = _truth_ratio_entry(sample)
    return found


def _truth_ratio_entry(sample: Sample) -> Entry:
    log: float | None = sample.scores.get("log_truth_ratio")
    score = None if log is None or log > LARGEST_LOG else math.exp(log)
    entry: Entry = {"score": score, "log_score": log}
    if sample.cluster_id:
        entry["cluster_id"] = sample.cluster_id
    return entry


def _number(sample: Sample) -> str:
    """Return an item's number in its set: "forget/12" -> "12"."""
    return sample.item_id.rpartition("/")[2]
