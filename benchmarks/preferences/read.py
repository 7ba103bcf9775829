r"""Pairs from files and from the hub.

    {"prompt": "Capital of France?", "chosen": "Paris.", "rejected": "Rome."}
    {"chosen": "\n\nHuman: Hi!\n\nAssistant: Hello.",
     "rejected": "\n\nHuman: Hi!\n\nAssistant: No."}
    {"chosen": [{"role": "user", "content": "Hi!"}, {"role": "assistant", "content": "Hello."}],
     "rejected": [...]}

docs/data.md shows all forms. Of two dialogues the turns that they share are the prompt, and what
follows is the answer (a few of HH's answers go on for several turns). Pairs with equal prompts are
one cluster.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from suite import Message, Pair, UserError
from suite.tables import MaybeText, Turns, digest, load_file, load_table, table_names

from ..pairs.data import checked, prompt_text
from ..pairs.messages import instruction, messages, split_pair, with_system

COLUMNS: dict[str, type] = {"prompt": Turns, "chosen": Turns, "rejected": Turns}
PROMPTS: dict[str, type] = {"instruction": str, "conversations": Turns}
"""Other names of the prompt."""
BESIDE: dict[str, type] = {"input": MaybeText, "system": MaybeText}
"""What belongs to the prompt if it is there."""
LINE_END = re.compile("\r\n|[\r\x85\u2028]")
TURN = re.compile(r"\n\n(Human|Assistant):")
ROLES: dict[str, Literal["user", "assistant"]] = {"Human": "user", "Assistant": "assistant"}
ASSISTANT = "\n\nAssistant:"


@dataclass(frozen=True)
class Read:
    """Pairs, and what a reader must know of them."""

    pairs: Sequence[Pair]
    revision: str
    notes: Sequence[str] = ()


def published(
    source: str | None, table: str | None, *, drop: bool, longest: int | None = None
) -> Read:
    """Read pairs of a file, of a folder's table or of a hub dataset.

    `drop`: without the unusable ones; `longest`: without those whose prompt and longer answer have
    more characters.
    """
    if source is None:
        raise UserError(
            "benchmark 'preferences' has pairs of its own for `tiny` only; name others with --data"
        )
    rows, label = _rows(source, table)
    usable, dropped = _usable(rows, label, drop)
    short = [pair for pair in usable if longest is None or _characters(pair) <= longest]
    if not short:
        raise UserError(f"{label}: no usable pair")
    notes: list[str] = []
    if dropped:
        what = "an empty answer, or equal answers"
        notes.append(f"{dropped} of {len(rows)} pairs dropped: {what}")
    if left_out := len(usable) - len(short):
        what = f"more than {longest} characters"
        notes.append(f"{left_out} of {len(rows)} pairs left out: {what}")
    return Read(short, f"{label}@{digest(rows)[:12]}", notes)


def _usable(rows: Sequence[Mapping[str, Any]], label: str, drop: bool) -> tuple[list[Pair], int]:
    """The pairs, and how many were dropped. UserError at the first unusable one unless `drop`."""
    pairs: list[Pair] = []
    for number, row in enumerate(rows, 1):
        place = f"{label}, row {number}"
        pair = _pair(row, str(number), place)
        try:
            pairs.append(checked(pair, place))
        except UserError as error:
            if not drop:
                hint = "preferences.drop_unusable=true leaves such pairs out"
                raise UserError(f"{error}; {hint}") from None
    return pairs, len(rows) - len(pairs)


def _characters(pair: Pair) -> int:
    """Characters of the prompt and the longer answer."""
    return len(prompt_text(pair.prompt)) + max(len(pair.chosen), len(pair.rejected))


def _rows(source: str, table: str | None) -> tuple[list[dict[str, Any]], str]:
    """Rows, and what to call their source: a path is reduced to its last part."""
    path = Path(source)
    label = path.resolve().name if path.exists() else source
    there = {**COLUMNS, **PROMPTS, **BESIDE}
    rows = _table(source, table, there, optional=("prompt", *PROMPTS, *BESIDE))
    if not _has_prompt(rows[0]):
        _table(source, table, COLUMNS)  # refuses the first row, and names the columns that it has
    return rows, label


def _has_prompt(row: Mapping[str, Any]) -> bool:
    """Whether there is a column of it, or the answers are dialogues that begin with it."""
    chosen = row["chosen"]
    is_dialogue = not isinstance(chosen, str) or TURN.match(_plain_ends(chosen)) is not None
    return is_dialogue or not row.keys().isdisjoint(("prompt", *PROMPTS))


def _table(
    source: str, table: str | None, columns: Mapping[str, type], optional: Sequence[str] = ()
) -> list[dict[str, Any]]:
    path = Path(source)
    if path.is_file():
        return load_file(path, columns, optional=optional)
    if table is None and path.is_dir():
        there = table_names(path)
        table = there[0] if len(there) == 1 else "train"
    return load_table(source, table or "default", columns, optional=optional)


def _pair(row: Mapping[str, Any], id: str, place: str) -> Pair:
    given = _prompt(row, place)
    chosen, rejected = row["chosen"], row["rejected"]
    if isinstance(chosen, str) != isinstance(rejected, str):
        raise UserError(f"{place}: 'chosen' and 'rejected' must both be texts, or both messages")
    if not isinstance(chosen, str):
        prompt, chosen, rejected = split_pair(
            given, messages(chosen, f"{place}, 'chosen'"),
            messages(rejected, f"{place}, 'rejected'"), place,
        )  # fmt: skip
    elif given:
        prompt = given
    else:
        prompt, chosen, rejected = split_dialogues(chosen, rejected, place)
    prompt = with_system(row, prompt)
    return Pair(id, prompt, chosen, rejected, cluster_of(prompt))


def _prompt(row: Mapping[str, Any], place: str) -> tuple[Message, ...]:
    """The prompt by a column of its own; () without."""
    for name in ("prompt", *PROMPTS):
        if name in row:
            found = messages(row[name], f"{place}, {name!r}")
            if isinstance(row[name], str):
                found = (Message("user", instruction(row, row[name])),)
            if found[-1].role == "assistant" and isinstance(row["chosen"], str):
                raise UserError(f"{place}, {name!r}: ends with a message of the assistant")
            return found
    return ()


def cluster_of(prompt: Sequence[Message]) -> str:
    """Name of a prompt: equal prompts have equal names."""
    return hashlib.sha256(prompt_text(prompt).encode()).hexdigest()[:16]


def split_dialogues(chosen: str, rejected: str, place: str) -> tuple[tuple[Message, ...], str, str]:
    """Return the prompt that two dialogues share, and the two answers.

    Raises UserError naming `place`.
    """
    chosen_turns = list(_turns(chosen, f"{place}, 'chosen'"))
    rejected_turns = list(_turns(rejected, f"{place}, 'rejected'"))
    # The last turn is an answer even if the dialogues are equal.
    most = min(len(chosen_turns), len(rejected_turns)) - 1
    shared = 0
    while shared < most and chosen_turns[shared] == rejected_turns[shared]:
        shared += 1
    parting = (chosen_turns[shared], rejected_turns[shared])
    if shared == 0 or not all(turn.startswith(ASSISTANT) for turn in parting):
        raise UserError(
            f"{place}: the dialogues differ before an answer of the assistant: no common prompt"
        )
    prompt = tuple(_message(turn) for turn in chosen_turns[:shared])
    return prompt, _answer(chosen_turns[shared:]), _answer(rejected_turns[shared:])


def _answer(turns: Sequence[str]) -> str:
    """The text of the turns that follow the prompt."""
    return "".join(turns).removeprefix(ASSISTANT).strip()


def _turns(text: str, place: str) -> Iterator[str]:
    """Cut a dialogue before every "\n\nHuman:" and "\n\nAssistant:"."""
    text = _plain_ends(text)
    starts = [match.start() for match in TURN.finditer(text)]
    if not starts or text[: starts[0]].strip():
        raise UserError(
            f"{place}: there is no column 'prompt', and this is no dialogue: "
            "it must begin with \\n\\nHuman:"
        )
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end]


def _message(turn: str) -> Message:
    match = TURN.match(turn)
    assert match is not None
    return Message(ROLES[match[1]], turn[match.end() :].strip())


def _plain_ends(text: str) -> str:
    """A dialogue with the line ends, and the empty line at its start, that HH's have."""
    if TURN.match(text):
        return text
    plain = LINE_END.sub("\n", text)
    headed = "\n\n" + plain.lstrip()
    return headed if TURN.match(headed) else text
