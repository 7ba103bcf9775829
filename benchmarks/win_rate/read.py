"""Prompts with an answer, from pairs or from files that hold no pairs.

{"instruction": "Name a river.", "output": "The Rhine."}    AlpacaEval
{"prompt": "SUBREDDIT: ... TL;DR:", "label": "..."}         TL;DR
{"prompt": "Name a river."}                                 to compare with a model's answer
{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}
{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", "value": "..."}]}

An `input` beside the instruction is part of the prompt (Alpaca). docs/data.md shows all forms. The
answer may also stand in `completion`, `answer`, `summary` or `reference`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from suite import Message, Pair, UserError
from suite.tables import Turns, digest, load_file, load_table

from ..pairs.messages import instruction, messages, prompt_and_answer, with_system
from ..preferences.generated import generated
from ..preferences.read import BESIDE, cluster_of, published
from ..preferences.split import hold_out

PROMPTS = ("instruction", "prompt", "post", "messages", "conversations")
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
    columns = {**dict.fromkeys(PROMPTS, Turns), **dict.fromkeys(ANSWERS, str), **BESIDE}
    rows = _rows(source, table, columns)
    label = Path(source).resolve().name if Path(source).exists() else source
    judged: list[Pair] = []
    for number, row in enumerate(rows, 1):
        prompt, answer = _asked(row, f"{label}, row {number}")
        judged.append(Pair(str(number), prompt, answer, "", cluster_of(prompt)))
    return Found([], judged, f"{label}@{digest(rows)[:12]}", ["no pairs: nothing is trained"])


def _asked(row: Mapping[str, Any], place: str) -> tuple[tuple[Message, ...], str]:
    """The prompt and the answer of a row; "" where it has none."""
    name = next((name for name in PROMPTS if name in row), None)
    if name is None:
        raise UserError(f"{place}: no prompt: one of {', '.join(PROMPTS)} is needed")
    value, answer = row[name], next((row[name] for name in ANSWERS if name in row), "")
    if isinstance(value, str):
        return with_system(row, [Message("user", instruction(row, value))]), answer
    where = f"{place}, {name!r}"
    prompt, last = prompt_and_answer(messages(value, where), where)
    if answer and last:
        raise UserError(f"{where}: ends with an answer, and there is another beside it")
    return with_system(row, prompt), answer or last


def _has_pairs(source: str, table: str | None) -> bool:
    """Whether the first rows have a column of preference data."""
    return any(row for row in _rows(source, table, {"chosen": Turns, "rejected": Turns}))


def _rows(source: str, table: str | None, columns: Mapping[str, type]) -> list[dict[str, Any]]:
    """Rows with those of the columns that they have."""
    path = Path(source)
    if path.is_file():
        return load_file(path, columns, optional=columns)
    default = "train" if path.is_dir() else "default"
    return load_table(source, table or default, columns, optional=columns)
