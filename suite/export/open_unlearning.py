"""TOFU_EVAL.json and TOFU_SUMMARY.json of open-unlearning, for cells of the benchmark `tofu`.

{"forget_Q_A_ROUGE": {"agg_value": .4, "value_by_index": {"0": {"rougeL_recall": .5}}}, ...}

`log_score` beside a truth ratio's `score` is its logarithm, which does not over- or underflow; `cluster_id` is the
author. Other programs ignore both; `suite score --bench tofu` reads them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from suite.api.cells import CellResult
from suite.results.samples import Sample
from suite.results.schema import Results

PREFIXES = {"forget": "forget", "retain": "retain", "real_authors": "ra", "world_facts": "wf"}
AGGREGATES = ("forget_quality", "model_utility")
LARGEST_LOG = 709.0
"""e to a larger power is no double."""


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, str]:
    """The two files of one cell; none for another benchmark, or without answers."""
    if cell.cell.benchmark != "tofu" or not samples:
        return {}
    content = dict(_metrics(samples))
    known = {metric.name: metric.value for metric in cell.metrics}
    content |= {name: {"agg_value": known[name]} for name in AGGREGATES if name in known}
    summary = {name: metric["agg_value"] for name, metric in content.items()}
    written = {"TOFU_EVAL.json": content, "TOFU_SUMMARY.json": summary}
    return {name: json.dumps(value, indent=4) + "\n" for name, value in written.items()}


def _metrics(samples: Sequence[Sample]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, prefix in PREFIXES.items():
        asked = [sample for sample in samples if sample.set == name]
        normalised = "" if name in ("forget", "retain") else "_normalised"
        yield (
            f"{prefix}_Q_A_Prob{normalised}",
            _metric(asked, "answer_probability", _entry("prob", "answer_probability")),
        )
        yield (
            f"{prefix}_Q_A_ROUGE",
            _metric(asked, "rougeL_recall", _entry("rougeL_recall", "rougeL_recall")),
        )
        key = "forget_truth_ratio" if name == "forget" else f"{prefix}_Truth_Ratio"
        yield key, _metric(asked, "truth_ratio", _truth_ratio)
    for metric in ("extraction_strength", "exact_memorization"):
        yield (
            metric,
            _metric([s for s in samples if s.set == "forget"], metric, _entry("score", metric)),
        )


def _metric(
    asked: Sequence[Sample], aggregate: str, entry: Callable[[Sample], dict[str, Any]]
) -> dict[str, Any]:
    """Values by the item's number in its set, and the mean of the metric `aggregate`; null if any is missing."""
    values = [sample.scores.get(aggregate) for sample in asked]
    known = [value for value in values if value is not None]
    mean = fmean(known) if known and len(known) == len(values) else None
    return {
        "agg_value": mean,
        "value_by_index": {s.item_id.rpartition("/")[2]: entry(s) for s in asked},
    }


def _entry(field: str, metric: str) -> Callable[[Sample], dict[str, Any]]:
    return lambda sample: {field: sample.scores.get(metric)}


def _truth_ratio(sample: Sample) -> dict[str, Any]:
    log: float | None = sample.scores.get("log_truth_ratio")
    score = None if log is None or log > LARGEST_LOG else math.exp(log)
    entry: Mapping[str, Any] = {"score": score, "log_score": log}
    return {**entry, "cluster_id": sample.cluster_id} if sample.cluster_id else dict(entry)
