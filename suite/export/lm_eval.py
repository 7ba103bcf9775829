"""The files of lm-evaluation-harness 0.4: results_*.json and samples_<task>_*.jsonl.

{"results": {"tofu_forget10": {"forget_quality,none": 0.42, "forget_quality_stderr,none": "N/A"}}}

A benchmark and its split make a task. Standard errors are "N/A", because our intervals are not
symmetric; the intervals are in the field "suite".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from suite.api.cells import CellResult
from suite.results.samples import Sample
from suite.results.schema import Results, Run


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, str]:
    """Return the two files of one cell; only the first if the cell has no answers."""
    task = f"{cell.cell.benchmark}_{cell.cell.split}"
    summary = _summarize(results, cell, task, len(samples))
    written = {"results_suite.json": json.dumps(summary, indent=2) + "\n"}
    if samples:
        lines = ""
        for number, sample in enumerate(samples):
            lines += json.dumps(_describe_sample(number, sample)) + "\n"
        written[f"samples_{file_name(task)}_suite.jsonl"] = lines
    return written


def file_name(task: str) -> str:
    """The task as a part of a file's name: it comes from a file that anybody may have written."""
    return re.sub(r"[^\w.=,-]", "_", task)[:120]


def _summarize(results: Results, cell: CellResult, task: str, n: int) -> dict[str, Any]:
    run = results.run
    return {
        "results": {task: _values(cell, task)},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "output_type": "generate_until"}},
        "versions": {task: 1},
        "n-shot": {task: 0},
        "higher_is_better": {task: _directions(cell)},
        "n-samples": {task: {"original": n, "effective": n}},
        "config": {
            "model": run.engine,
            "model_args": f"pretrained={cell.cell.model}",
            "model_dtype": run.dtype,
            "random_seed": cell.cell.seed,
            "device": run.device,
        },
        "model_source": run.engine,
        "model_name": cell.cell.model,
        # The harness ignores a field that it does not know.
        "suite": _own_fields(run, cell),
    }


def _values(cell: CellResult, task: str) -> dict[str, Any]:
    """The metrics, as the harness names them."""
    values: dict[str, Any] = {"alias": task}
    for metric in cell.metrics:
        values[f"{metric.name},none"] = metric.value
        values[f"{metric.name}_stderr,none"] = "N/A"
    return values


def _directions(cell: CellResult) -> dict[str, bool]:
    """Whether higher is better, of the metrics that have a better and a worse."""
    directions: dict[str, bool] = {}
    for metric in cell.metrics:
        if metric.higher_is_better is not None:
            directions[metric.name] = metric.higher_is_better
    return directions


def _own_fields(run: Run, cell: CellResult) -> dict[str, Any]:
    """What the harness has no field for."""
    measured = cell.metrics
    return {
        "method": cell.cell.method,
        "start_seed": cell.cell.start_seed,
        "seed": cell.cell.seed,
        "command": run.command,
        "versions": run.versions,
        "intervals": {m.name: [m.ci_low, m.ci_high] for m in measured if m.ci_low is not None},
        "notes": {m.name: m.note for m in measured if m.note},
    }


def _describe_sample(number: int, sample: Sample) -> dict[str, Any]:
    doc = {
        "set": sample.set,
        "item_id": sample.item_id,
        "question": sample.prompt,
        "answer": sample.reference,
    }
    return {
        "doc_id": number,
        "doc": doc,
        "target": sample.reference,
        "arguments": {"gen_args_0": {"arg_0": sample.prompt, "arg_1": {"do_sample": False}}},
        "resps": [sample.generations],
        "filtered_resps": [sample.generation],
        "filter": "none",
        "metrics": list(sample.scores),
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(sample.prompt),
        "target_hash": _hash(sample.reference),
        **sample.scores,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
