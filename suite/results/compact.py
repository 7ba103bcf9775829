"""The small form of results.json: what repeats is written once.

    trajectory: [{"epoch": 1, "step": 7, "metrics": {"kl": 0.1}},        compact:
                 {"epoch": 2, "step": 14, "metrics": {"kl": 0.3}}]
                {"epoch": [1, 2], "step": [7, 14], "metrics": {"kl": [0.1, 0.3]}}

    metrics: [{"name": "kl", "value": 0.3, "higher_is_better": false, "unit": "", "n": 0, ...}]
             [{"name": "kl", "value": 0.3, "higher_is_better": false}]

A metric that a point of a trajectory lacks is "-" in its column: null is a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from suite.api.scores import Metric

ABSENT = "-"
"""In a column: the point does not have this metric."""
_COLUMN = {"type": "array", "items": {"type": ["number", "null", "string"]}}
COURSE: dict[str, Any] = {
    "type": "object",
    "required": ["epoch", "step", "metrics"],
    "additionalProperties": False,
    "properties": {
        "epoch": {"type": "array", "items": {"type": "number"}},
        "step": {"type": "array", "items": {"type": "integer"}},
        "metrics": {"type": "object", "additionalProperties": _COLUMN},
    },
}
"""JSON schema of a trajectory as columns."""
_DEFAULTS = {each.name: each.default for each in fields(Metric) if each.default is not MISSING}


def compact(content: dict[str, Any]) -> dict[str, Any]:
    """Make the content of results.json small."""
    for table in content.get("comparisons", ()):
        if "robustness" in table and table["robustness"] is None:
            del table["robustness"]  # so that older programs read the file
    for cell in content["cells"]:
        cell["trajectory"] = _as_columns(cell["trajectory"])
        for holder in _holders(cell):
            holder["metrics"] = [_without_defaults(metric) for metric in holder["metrics"]]
    return content


def expanded(content: Any) -> Any:
    """Undo `compact`, of trajectories: the reader knows the defaults of metrics.

    What has another form is left to the reader, which says what is wrong with it.
    """
    cells = content.get("cells") if isinstance(content, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        course = cell.get("trajectory") if isinstance(cell, dict) else None
        if isinstance(course, dict) and _are_columns(course):
            cell["trajectory"] = _as_points(course)
    return content


def _holders(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what has a list of metrics."""
    yield cell
    if cell["best"] is not None:
        yield cell["best"]


def _without_defaults(metric: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in metric.items():
        if name not in _DEFAULTS or value != _DEFAULTS[name]:
            kept[name] = value
    return kept


def _as_columns(points: list[dict[str, Any]]) -> dict[str, Any]:
    names: dict[str, None] = {}  # keeps the order and drops repetitions
    for point in points:
        names.update(dict.fromkeys(point["metrics"]))
    columns = {}
    for name in names:
        columns[name] = [point["metrics"].get(name, ABSENT) for point in points]
    return {
        "epoch": [point["epoch"] for point in points],
        "step": [point["step"] for point in points],
        "metrics": columns,
    }


def _are_columns(course: dict[str, Any]) -> bool:
    """Say whether it is a table of columns of one length."""
    if course.keys() != {"epoch", "step", "metrics"}:
        return False
    if not isinstance(course["metrics"], dict):
        return False
    columns = [course["epoch"], course["step"], *course["metrics"].values()]
    return all(isinstance(each, list) and len(each) == len(columns[0]) for each in columns)


def _as_points(course: dict[str, Any]) -> list[dict[str, Any]]:
    points = []
    for place, (epoch, step) in enumerate(zip(course["epoch"], course["step"], strict=True)):
        metrics = {}
        for name, column in course["metrics"].items():
            if column[place] != ABSENT:
                metrics[name] = column[place]
        points.append({"epoch": epoch, "step": step, "metrics": metrics})
    return points
