"""Scores on disk: items.jsonl, metrics.json, curve.json."""

from __future__ import annotations

from pathlib import Path

from suite.api.scores import CurvePoint, Metric, Scores
from suite.store import JsonlWriter, jsonable, read_json, write_json


def write_scores(scores: Scores, folder: Path) -> None:
    """Write per-item scores and metrics."""
    with JsonlWriter(folder / "items.jsonl") as log:
        for item in scores.items:
            log.append(jsonable(item))
    write_json(folder / "metrics.json", [jsonable(metric) for metric in scores.metrics])
    write_json(folder / "curve.json", [jsonable(point) for point in scores.curve])


def read_metrics(folder: Path) -> tuple[Metric, ...]:
    """Read metrics.json of a score stage."""
    return tuple(Metric(**metric) for metric in read_json(folder / "metrics.json"))


def read_curve(folder: Path) -> tuple[CurvePoint, ...]:
    """Read curve.json of a score stage."""
    return tuple(CurvePoint(**point) for point in read_json(folder / "curve.json"))
