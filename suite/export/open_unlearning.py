"""<prefix>_EVAL.json and <prefix>_SUMMARY.json of open-unlearning, as a benchmark declares them.

{"forget_Q_A_ROUGE": {"agg_value": .4, "value_by_index": {"0": {"rougeL_recall": .5}}}, ...}

Two fields are ours: the logarithm beside a value that may overflow (`log_score` beside a truth
ratio's `score`), and with it the item's `cluster_id`. Other programs ignore them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from suite.api.cells import CellResult
from suite.api.exports import ItemTable, OpenUnlearning
from suite.core.errors import UserError
from suite.results.samples import Sample
from suite.results.schema import Results

LARGEST_LOG = 709.0
"""A larger power of e overflows a double."""

Entry = dict[str, Any]


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, str]:
    """Return the two files of one cell; none if nothing is declared, or without answers."""
    declared = _declared(results, cell)
    if declared is None or not samples:
        return {}
    # It becomes a file's name, and results.json may come from anywhere.
    if not declared.is_safe:
        raise UserError(f"{declared.prefix!r} cannot begin the name of a file")
    evaluation = {}
    for table in declared.tables:
        asked = [sample for sample in samples if sample.set == table.set]
        evaluation[table.name] = _gather(asked, table)
    known = {metric.name: metric.value for metric in cell.metrics}
    for name in declared.aggregates:
        if name in known:
            evaluation[name] = {"agg_value": known[name]}
    summary = {name: metric["agg_value"] for name, metric in evaluation.items()}
    return {
        f"{declared.prefix}_EVAL.json": json.dumps(evaluation, indent=4) + "\n",
        f"{declared.prefix}_SUMMARY.json": json.dumps(summary, indent=4) + "\n",
    }


def _declared(results: Results, cell: CellResult) -> OpenUnlearning | None:
    """What the benchmark of a cell declares of this format."""
    for comparison in results.comparisons:
        if comparison.key == cell.cell.table and comparison.outputs is not None:
            return next(iter(comparison.outputs.exports), None)
    return None


def _gather(asked: Sequence[Sample], table: ItemTable) -> Entry:
    """Return the values by the item's number in its set, and their mean; null if any is missing."""
    values, entries = [], {}
    for sample in asked:
        value = sample.scores.get(table.metric)
        values.append(value)
        entry = _log_entry(sample, table) if table.log_of else {table.field: value}
        entries[_number(sample)] = entry
    known = [value for value in values if value is not None]
    mean = fmean(known) if known and len(known) == len(values) else None
    return {"agg_value": mean, "value_by_index": entries}


def _log_entry(sample: Sample, table: ItemTable) -> Entry:
    """Return a value that is stored as its logarithm."""
    log: float | None = sample.scores.get(table.log_of)
    value = None if log is None or log > LARGEST_LOG else math.exp(log)
    entry: Entry = {table.field: value, f"log_{table.field}": log}
    if sample.cluster_id:
        entry["cluster_id"] = sample.cluster_id
    return entry


def _number(sample: Sample) -> str:
    """Return an item's number in its set: "forget/12" -> "12"."""
    return sample.item_id.rpartition("/")[2]
