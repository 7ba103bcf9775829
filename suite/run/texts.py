"""What a report says of how texts became tokens: the day in its prompts, and control tokens that
texts of the data spell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from suite.api.data import Pair
from suite.plan.graph import Plan
from suite.stages.context import Context
from suite.store import Stage

if TYPE_CHECKING:
    from suite.plan.text_stages import TextStages


def text_notes(context: Context, plan: Plan) -> tuple[str, ...]:
    """The notes of a run. What was never tokenised, such as cells that all failed, has none."""
    days: dict[str, None] = {}
    spelled: set[str] = set()
    for stages in {id(c.texts.reading): c.texts for c in plan.cells if c.texts}.values():
        stage = tokenizer_stage(stages)
        if not context.store.has(stage):
            continue
        encoder = context.encoder(context.store.path(stage), context.config.train)
        if context.config.template == "chat" and encoder.chat.asks_date:
            days[f"{encoder.chat.date:%Y-%m-%d}"] = None
        spelled |= {text for text in _texts(stages) if encoder.spells(text)}
    notes = [f"the chat template reads the day: {day} in every prompt (--date)" for day in days]
    if spelled:
        notes.append(f"texts that spell a control token, which stays letters: {len(spelled)}")
    return tuple(notes)


def tokenizer_stage(stages: TextStages) -> Stage:
    """A stage that holds the base model's tokenizer; that of `tiny` is there before training."""
    base = stages.base.stage
    return base.inputs.get("start", base)


def _texts(stages: TextStages) -> Iterator[str]:
    """All texts that are trained on or asked, prompts and answers."""
    for rows in (*stages.data.roles.values(), *stages.data.starts.values()):
        yield from _of_rows(rows)
    for request in stages.requests:
        yield from (message.content for message in request.prompt)
        yield request.expected


def _of_rows(rows: Iterable[Any]) -> Iterator[str]:
    for row in rows:
        yield from (message.content for message in row.prompt)
        yield from (row.chosen, row.rejected) if isinstance(row, Pair) else (row.completion,)
