"""What the harness found, as metrics, items and samples of this program.

"acc,none": 0.41, "acc_stderr,none": 0.02     ->  acc 0.41 [0.37, 0.45], acc_stderr 0.02
"exact_match,strict-match": 0.1               ->  exact_match (strict-match) 0.1
a task within a group with metrics of its own ->  mmlu_anatomy/acc
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from suite import ItemScore, Measured, Metric, Scores

NORMAL = 1.959963984540054
"""Half width of a 95 % interval, in standard errors."""


def measured(results: Mapping[str, Any], asked: str) -> Measured:
    """Turn `simple_evaluate`'s results into scores and samples; `asked`: the task, group or tag."""
    samples = list(_samples(results))
    items: list[ItemScore] = []
    for task, sample in samples:
        items += _items(task, sample, asked)
    return Measured(Scores(items, list(_metrics(results, asked))), list(_shown(samples)))


def _samples(results: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every sample with the name of its task."""
    for task, samples in sorted(results["samples"].items()):
        for sample in samples:
            yield task, sample


def _metrics(results: Mapping[str, Any], asked: str) -> Iterator[Metric]:
    """Those of the task or group asked for first; those of all tasks if it has none of its own."""
    found = results["results"]
    own = any("," in key for key in found.get(asked, ()))
    for task in sorted(found, key=lambda name: (name != asked, name)):
        prefix = f"{task}/" if own else f"{task}: "
        if task == asked:
            prefix = ""
        counted = results["n-samples"].get(task, {}).get("effective", 0)
        size = int(found[task].get("sample_len") or counted)
        clusters = len(results["group_subtasks"].get(task, ()))
        for key, value in found[task].items():
            name, comma, filtered = key.partition(",")
            if not comma or name.endswith("_stderr"):
                continue
            better = results["higher_is_better"].get(task, {}).get(name)
            stderr = _number(found[task].get(f"{name}_stderr,{filtered}"))
            label = prefix + (name if filtered == "none" else f"{name} ({filtered})")
            yield _metric(label, _number(value), stderr, better, size, clusters)
            note = "" if stderr is not None else "not given"
            yield Metric(f"{label}_stderr", stderr, None, n=size, note=note)


def _metric(
    name: str, value: float | None, stderr: float | None, better: bool | None, n: int, clusters: int
) -> Metric:
    """A metric with its normal interval, where the harness gives a standard error."""
    low = high = None
    note = ""
    if value is None:
        note = "the harness gives no number"
    elif stderr is None:
        note = "no standard error"
    else:
        low, high = value - NORMAL * stderr, value + NORMAL * stderr
    return Metric(
        name, value, better, n=n, n_clusters=clusters, ci_low=low, ci_high=high, note=note
    )


def _items(task: str, sample: Mapping[str, Any], asked: str) -> Iterator[ItemScore]:
    """Per-item scores. Items of a group cluster by task; within one task they are independent."""
    item = f"{task}/{sample['doc_id']}"
    for name in sample["metrics"]:
        label = name if sample["filter"] == "none" else f"{name} ({sample['filter']})"
        raw = sample.get(name)
        value = _number(raw)
        note = "" if value is not None else f"no number of its own: {type(raw).__name__}"
        yield ItemScore(label, task, item, item if task == asked else task, value, note)


def _shown(samples: list[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """One line for each item of the report, with the scores of all filters."""
    by_item: dict[tuple[str, Any], dict[str, Any]] = {}
    for task, sample in samples:
        line = by_item.setdefault((task, sample["doc_id"]), _line(task, sample))
        line["scores"] |= {item.metric: item.value for item in _items(task, sample, task)}
    yield from by_item.values()


def _line(task: str, sample: Mapping[str, Any]) -> dict[str, Any]:
    """An item without its scores."""
    arguments = sample["arguments"]
    return {
        "set": task,
        "item_id": f"{task}/{sample['doc_id']}",
        "prompt": str(arguments[0][0]) if arguments else "",
        "reference": _reference(sample),
        "generation": _answer(sample),
        "scores": {},
    }


def _reference(sample: Mapping[str, Any]) -> str:
    """The right answer; where it is the number of a choice, the text of that choice."""
    target = sample["target"]
    choices = _choices(sample)
    if choices and isinstance(target, int) and target < len(choices):
        return choices[target].strip()
    return str(target)


def _answer(sample: Mapping[str, Any]) -> str:
    """The generated text, or the likeliest of the choices."""
    choices = _choices(sample)
    if choices:
        values = [response[0] for response in sample["filtered_resps"]]
        return choices[max(range(len(values)), key=values.__getitem__)].strip()
    (first, *_) = sample["filtered_resps"] or [""]
    return first if isinstance(first, str) else ""


def _choices(sample: Mapping[str, Any]) -> list[str]:
    """Continuations whose likelihoods were compared; [] if the sample is no choice."""
    lists = [r for r in sample["filtered_resps"] if isinstance(r, list | tuple)]
    # The harness answers a likelihood with (log-probability, whether it is the greedy answer).
    if len(lists) < 2 or not all(len(r) == 2 and isinstance(r[1], bool) for r in lists):
        return []
    return [str(argument[1]) for argument in sample["arguments"]]


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
