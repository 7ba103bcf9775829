"""What other programs measured on TOFU, as item scores. Aggregates in their files are not used.

read_log(Path("TOFU_EVAL.json"), ("forget", "retain"))  ->  [ItemScore("rougeL_recall", "forget",
"forget/0", ...), ...]
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from suite import ItemScore, UserError, metrics

from .log_formats import (
    MEMORISATION,
    METRICS,
    Column,
    Log,
    MissingKeyError,
    OpenUnlearning,
    Original,
    truth_ratio_key,
)


def read_log(path: Path, sets: Sequence[str], only: Sequence[str] = METRICS) -> list[ItemScore]:
    """Item scores of these sets and metrics.

    Raises UserError: not such a file, keys it lacks, what is no number.
    """
    log = _log(path)
    scores: list[ItemScore] = []
    missing: list[str] = []
    for name in sets:
        columns: dict[str, Column] = {}
        for metric in only:
            try:
                columns[metric] = log.values(name, metric)
            except MissingKeyError as key:
                missing += [] if metric in MEMORISATION else [str(key)]
        scores += _scores(log, name, columns, only)
    if missing:
        raise UserError(f"{path}: {log.kind}, but without {', '.join(dict.fromkeys(missing))}")
    return scores


def _scores(
    log: Log, name: str, columns: Mapping[str, Column], only: Sequence[str]
) -> list[ItemScore]:
    """The scores of one set: of every question all metrics, then the terms of the truth ratio."""
    questions: set[int] = set()
    for column in columns.values():
        questions |= column.keys()
    _check_complete(log, name, columns, questions)
    metrics_of_set = only if name == "forget" else [m for m in only if m not in MEMORISATION]
    scores: list[ItemScore] = []
    for question in sorted(questions):
        id, cluster = f"{name}/{question}", log.cluster(name, question)
        for metric in metrics_of_set:
            value = columns[metric][question] if metric in columns else None
            note = "" if value is not None else f"not in {log.path.name}"
            scores.append(ItemScore(metric, name, id, cluster, value, note))
    terms = [_term(score) for score in scores if score.metric == "log_truth_ratio"]
    return [*scores, *terms]


def _check_complete(
    log: Log, name: str, columns: Mapping[str, Column], questions: Iterable[int]
) -> None:
    """Refuse a file where one metric lacks a question that another one has."""
    for metric, column in columns.items():
        lacking = sorted(set(questions) - column.keys())
        if lacking:
            raise UserError(
                f"{log.path}: {metric} of {name} lacks question {lacking[0]}, "
                "which other metrics have"
            )


def _term(score: ItemScore) -> ItemScore:
    """What a set averages of ln TR."""
    term = metrics.closeness_to_one if score.set == "forget" else metrics.truth_margin
    value = None if score.value is None else term(score.value)
    return ItemScore("truth_ratio", score.set, score.item_id, score.cluster_id, value, score.note)


def check_same_questions(
    unlearned: Sequence[ItemScore], retrain: Sequence[ItemScore], file: Path
) -> None:
    """Refuse a retrain model that was asked other forget questions.

    The two distributions would not compare.
    """
    asked, expected = _forget_questions(retrain), _forget_questions(unlearned)
    if asked != expected:
        raise UserError(
            f"{file}: {len(asked)} forget questions, not the {len(expected)} of the unlearned model"
        )


def _forget_questions(scores: Sequence[ItemScore]) -> set[str]:
    return {score.item_id for score in scores if score.set == "forget"}


def _log(path: Path) -> Log:
    """The file, of whichever format."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:  # ValueError: neither JSON nor UTF-8
        raise UserError(f"{path}: cannot be read as JSON: {error}") from None
    keys = list(content) if isinstance(content, dict) else []
    if any(file in keys for file in Original.files.values()):
        return Original(path, content)
    if any("_Q_A_" in key or key == truth_ratio_key("forget") for key in keys):
        return OpenUnlearning(path, content)
    shown = ", ".join(keys[:4]) or "no keys"
    raise UserError(f"{path}: neither {OpenUnlearning.kind} nor {Original.kind}: it has {shown}")
