"""Attack data that hold a tested fact teach it, so the attack would show nothing (arXiv
2506.00688): such rows are refused, by id and by text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.api.attack import Target, is_about
from suite.api.data import Message, Pair, Row
from suite.api.phases import Phase
from suite.core.errors import UserError


def refuse_tested_facts(spec: str, phases: Sequence[Phase], tested: Target) -> None:
    """Refuse an attack whose training rows hold what it asks about. `spec`: as in --attack."""
    asked: dict[str, str] = {}
    for item, request in tested.about_items():
        if request.expected:
            asked[_plain(request.prompt, request.expected)] = item["id"]
    for role, row in _rows(phases):
        how = _tested(row, asked, tested)
        if how:
            raise UserError(
                f"attack {spec!r} trains on what it asks about: row {row.id!r} of its {role} is "
                f"{how}; such an attack shows nothing"
            )


def _rows(phases: Sequence[Phase]) -> Iterator[tuple[str, Row | Pair]]:
    for phase in phases:
        for role, given in phase.rows.items():
            for row in given:
                yield role, row


def _tested(row: Row | Pair, asked: Mapping[str, str], tested: Target) -> str:
    """Which item a row is, and how that was found; "" if it is none."""
    for item in tested.items:
        if is_about(item, row):
            return f"item {item['id']!r} by its id"
    answers = (row.chosen, row.rejected) if isinstance(row, Pair) else (row.completion,)
    for answer in answers:
        text = _plain(row.prompt, answer)
        if text in asked:
            return f"item {asked[text]!r} by its text"
    return ""


def _plain(prompt: Sequence[Message], answer: str) -> str:
    """The same for the same text; upper case and spaces do not count."""
    turns = [message.content for message in prompt]
    return " ".join("\n".join([*turns, answer]).split()).casefold()
