"""Answers side by side: a few questions, each with the answers of all methods.

The questions are chosen by a hash of their names, so the choice does not depend on the answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.report.numbers import number
from suite.report.table import Row, Table
from suite.results.samples import Sample

QUESTIONS = 10
"""The number of questions shown, over all tables."""
LONGEST = 1500
"""The number of characters of a text that are shown; the cell's samples file has all of it."""

Key = tuple[str, str]
"""A question: its evaluation set and its id."""


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
    """One question with the answers of all methods."""

    set: str
    item_id: str
    prompt: str
    reference: str
    answers: tuple[Answer, ...]


def side_by_side(
    table: Table, samples: Mapping[str, Sequence[Sample]], limit: int
) -> list[Question]:
    """Choose about `limit` questions, the same number from each evaluation set.

    Only questions with a written answer are chosen. Of several seeds the first is shown.
    """
    answered = {row.method: _index_answers(row, samples) for row in table.rows}
    # Evaluation set -> its questions, each as the first method that answered it has it.
    sets: dict[str, dict[Key, Sample]] = {}
    for answers in answered.values():
        for key, sample in answers.items():
            sets.setdefault(sample.set, {}).setdefault(key, sample)
    from_each = -(-limit // max(1, len(sets)))
    found = []
    for questions in sets.values():
        for key in _choose(list(questions), from_each):
            first = questions[key]
            found.append(
                Question(
                    first.set,
                    first.item_id,
                    _shorten(first.prompt),
                    _shorten(first.reference),
                    tuple(_collect_answers(answered, key)),
                )
            )
    return found


def _index_answers(row: Row, samples: Mapping[str, Sequence[Sample]]) -> dict[Key, Sample]:
    """Return the written answers of the row's first seed that has any samples."""
    for result in row.cells:
        if result.cell.slug in samples:
            answers = samples[result.cell.slug]
            return {(one.set, one.item_id): one for one in answers if any(one.generations)}
    return {}


def _choose(keys: Sequence[Key], count: int) -> list[Key]:
    """Take `count` of `keys`, in their order.

    A hash chooses them: every n-th question could always meet the same kind of question.
    """
    chosen = set(sorted(keys, key=_hash)[:count])
    return [key for key in keys if key in chosen]


def _hash(key: Key) -> bytes:
    return hashlib.sha256(ascii(key).encode()).digest()


def _collect_answers(answered: Mapping[str, Mapping[Key, Sample]], key: Key) -> list[Answer]:
    found = []
    for method, answers in answered.items():
        if key in answers:
            sample = answers[key]
            scores = tuple((name, number(value)) for name, value in sample.scores.items())
            texts = sample.generations
            found.append(Answer(method, _shorten(texts[0]), len(texts), scores))
    return found


def _shorten(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]} … ({len(text) - LONGEST} more characters)"
