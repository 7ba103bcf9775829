"""Answers side by side: a few questions, picked by a hash of their names and not for their answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suite.report.numbers import number
from suite.report.table import Row, Table
from suite.results.samples import Sample

QUESTIONS = 40
"""Shown in all, over all tables."""
LONGEST = 1500
"""Characters of a text that are shown; the whole of it is in the cell's samples file."""


@dataclass(frozen=True)
class Answer:
    """What one method wrote."""

    method: str
    text: str
    """The first text, where several were sampled."""
    samples: int
    """How many texts were sampled."""
    scores: tuple[tuple[str, str], ...]
    """Metric and value, as people read them."""


@dataclass(frozen=True)
class Question:
    """One question with everybody's answer."""

    set: str
    item_id: str
    prompt: str
    reference: str
    answers: tuple[Answer, ...]


def side_by_side(
    table: Table, samples: Mapping[str, Sequence[Sample]], limit: int
) -> list[Question]:
    """Choose about `limit` questions that were answered in words; of several seeds show the first."""
    by_row = [(row, _written(row, samples)) for row in table.rows]
    asked: dict[str, dict[tuple[str, str], Sample]] = {}
    for _, written in by_row:
        for key, sample in written.items():
            asked.setdefault(sample.set, {}).setdefault(key, sample)
    each = -(-limit // max(1, len(asked)))
    return [
        Question(
            first.set,
            first.item_id,
            _short(first.prompt),
            _short(first.reference),
            tuple(_answers(by_row, key)),
        )
        for questions in asked.values()
        for key, first in _spread(list(questions.items()), each)
    ]


def _written(row: Row, samples: Mapping[str, Sequence[Sample]]) -> dict[tuple[str, str], Sample]:
    answered = [samples[result.cell.slug] for result in row.cells if result.cell.slug in samples]
    return {(s.set, s.item_id): s for s in answered[0] if any(s.generations)} if answered else {}


def _spread(
    items: list[tuple[tuple[str, str], Sample]], count: int
) -> list[tuple[tuple[str, str], Sample]]:
    """Take `count` of `items`, in their order. Equal distances would meet the same kind of question every time."""
    drawn = sorted(items, key=lambda item: hashlib.sha256(ascii(item[0]).encode()).digest())[:count]
    chosen = {key for key, _ in drawn}
    return [item for item in items if item[0] in chosen]


def _answers(
    by_row: Sequence[tuple[Row, Mapping[tuple[str, str], Sample]]], key: tuple[str, str]
) -> Iterator[Answer]:
    for row, written in by_row:
        if key in written:
            scores = tuple((name, number(value)) for name, value in written[key].scores.items())
            texts = written[key].generations
            yield Answer(row.method, _short(texts[0]), len(texts), scores)


def _short(text: str) -> str:
    return (
        text
        if len(text) <= LONGEST
        else f"{text[:LONGEST]} … ({len(text) - LONGEST} more characters)"
    )
