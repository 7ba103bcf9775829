"""Prompts with an answer, from pairs or from files that hold no pairs.

{"instruction": "Name a river.", "output": "The Rhine."}    AlpacaEval
{"prompt": "SUBREDDIT: ... TL;DR:", "label": "..."}         TL;DR
{"prompt": "Name a river."}                                 to compare with a model's answer

The answer may also stand in `completion`, `answer`, `summary` or `reference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from suite import Message, Pair, UserError
from suite.tables import digest, load_file, load_table

from ..preferences.generated import generated
from ..preferences.read import cluster_of, published
from ..preferences.split import hold_out

PROMPTS = ("instruction", "prompt", "post")
ANSWERS = ("output", "label", "completion", "answer", "summary", "reference")
GENERATED = "generated"
"""How the revision of the tiny model's own data begins."""


class Wanted(Protocol):
    """The settings that say what is read."""

    @property
    def held_out(self) -> float: ...  # noqa: D102
    @property
    def prompts(self) -> str | None: ...  # noqa: D102
    @property
    def table(self) -> str | None: ...  # noqa: D102
    @property
    def drop_unusable(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Found:
    """What trains and what is judged; a judged pair's `chosen` is the data's answer, or ""."""

    training: Sequence[Pair]
    judged: Sequence[Pair]
    revision: str
    notes: Sequence[str] = ()


def read(source: str | None, tiny: bool, wanted: Wanted) -> Found:
    """Read everything. UserError names file, line and column."""
    if source is None and not tiny:
        if wanted.prompts is None:
            raise UserError(
                "benchmark 'win_rate' has prompts of its own for `tiny` only; "
                "name others with --data"
            )
        return alone(wanted.prompts, None)
    if source is not None and wanted.prompts is None and not _has_pairs(source, wanted.table):
        return alone(source, wanted.table)
    drop = wanted.drop_unusable
    pairs = generated() if source is None else published(source, wanted.table, drop=drop)
    if wanted.prompts is not None:
        judged = alone(wanted.prompts, None)
        revision = f"{pairs.revision}; prompts {judged.revision}"
        return Found(pairs.pairs, judged.judged, revision, pairs.notes)
    training, held_out = hold_out(pairs.pairs, wanted.held_out)
    return Found(training, held_out, pairs.revision, pairs.notes)


def alone(source: str, table: str | None) -> Found:
    """Read prompts that nothing is trained on."""
    columns = {**dict.fromkeys(PROMPTS, str), **dict.fromkeys(ANSWERS, str)}
    rows = _rows(source, table, columns)
    label = Path(source).resolve().name if Path(source).exists() else source
    judged: list[Pair] = []
    for number, row in enumerate(rows, 1):
        prompt = _first(row, PROMPTS)
        if prompt is None:
            names = ", ".join(PROMPTS)
            raise UserError(f"{label}, row {number}: no prompt: one of {names} is needed")
        messages = (Message("user", prompt),)
        answer = _first(row, ANSWERS) or ""
        judged.append(Pair(str(number), messages, answer, "", cluster_of(messages)))
    return Found([], judged, f"{label}@{digest(rows)[:12]}", ["no pairs: nothing is trained"])


def _first(row: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The first of these columns that the row has."""
    return next((row[name] for name in names if name in row), None)


def _has_pairs(source: str, table: str | None) -> bool:
    """Whether the first rows have a column of preference data."""
    return any(row for row in _rows(source, table, {"chosen": str, "rejected": str}))


def _rows(source: str, table: str | None, columns: Mapping[str, type]) -> list[dict[str, str]]:
    """Rows with those of the columns that they have."""
    path = Path(source)
    if path.is_file():
        return load_file(path, columns, optional=columns)
    default = "train" if path.is_dir() else "default"
    return load_table(source, table or default, columns, optional=columns)
