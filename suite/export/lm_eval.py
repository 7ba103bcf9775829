"""The shape of lm-evaluation-harness: results_*.json and samples_<task>_*.jsonl (as version 0.4 writes them).

{"results": {"tofu_forget10": {"forget_quality,none": 0.42, "forget_quality_stderr,none": "N/A"}}}

A benchmark's split is a task. Standard errors are "N/A": our intervals are not symmetric; they stand under "suite".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from suite.api.cells import CellResult
from suite.results.samples import Sample
from suite.results.schema import Results


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, str]:
    """The two files of one cell; the second only if it has answers."""
    task = f"{cell.cell.benchmark}_{cell.cell.split}"
    written = {
        "results_suite.json": json.dumps(_results(results, cell, task, len(samples)), indent=2)
        + "\n"
    }
    if samples:
        lines = (
            json.dumps(_sample(number, sample)) + "\n" for number, sample in enumerate(samples)
        )
        written[f"samples_{task}_suite.jsonl"] = "".join(lines)
    return written


def _results(results: Results, cell: CellResult, task: str, n: int) -> dict[str, Any]:
    values: dict[str, Any] = {"alias": task}
    for metric in cell.metrics:
        values[f"{metric.name},none"] = metric.value
        values[f"{metric.name}_stderr,none"] = "N/A"
    directions = {
        m.name: m.higher_is_better for m in cell.metrics if m.higher_is_better is not None
    }
    run = results.run
    return {
        "results": {task: values},
        "group_subtasks": {task: []},
        "configs": {task: {"task": task, "output_type": "generate_until"}},
        "versions": {task: 1},
        "n-shot": {task: 0},
        "higher_is_better": {task: directions},
        "n-samples": {task: {"original": n, "effective": n}},
        "config": {"model": run.engine, "model_args": f"pretrained={cell.cell.model}", "model_dtype": run.dtype,
                   "random_seed": cell.cell.seed, "device": run.device},
        "model_source": run.engine,
        "model_name": cell.cell.model,
        "suite": {
            "method": cell.cell.method, "seed": cell.cell.seed, "command": run.command, "versions": run.versions,
            "intervals": {m.name: [m.ci_low, m.ci_high] for m in cell.metrics if m.ci_low is not None},
            "notes": {m.name: m.note for m in cell.metrics if m.note},
        },
    }  # fmt: skip


def _sample(number: int, sample: Sample) -> dict[str, Any]:
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
