"""The training rows of the kit: random tokens, for every role that there is.

    prompt       2 to 4 tokens of 2..12
    completion   0 to 4 tokens of 13..23, then the end-of-sequence token

Tokens of prompts never stand in completions, so a loss that learns a prompt is told from one that
learns an answer.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from suite.api.data import Encoded, EncodedPair, Item

VOCABULARY, PAD, END = 24, 0, 1
FIRST_OF_COMPLETIONS = 13
ROWS = 6
PLAIN = ("forget", "retain", "demonstrations", "prompts")
ALIGNED = {"alternate": "forget", "mismatched": "pairs"}
"""Roles whose row i belongs to row i of another role."""


def text(id: str, prompt: tuple[int, ...] | None = None) -> Encoded:
    """Draw a text, from its id alone; `prompt`: a prompt that it shares with another text."""
    drawn = random.Random(id)
    own = tuple(drawn.randrange(2, FIRST_OF_COMPLETIONS) for _ in range(drawn.randint(2, 4)))
    words = [drawn.randrange(FIRST_OF_COMPLETIONS, VOCABULARY) for _ in range(drawn.randint(0, 4))]
    return Encoded(id, prompt or own, (*words, END))


def rows() -> dict[str, list[Item]]:
    """Rows for every role."""
    found: dict[str, list[Item]] = {}
    for role in PLAIN:
        found[role] = [text(f"{role}/{i}") for i in range(ROWS)]
    forget = [text(f"forget/{i}") for i in range(ROWS)]
    found["alternate"] = [text(f"alternate/{i}", row.prompt_ids) for i, row in enumerate(forget)]
    chosen = [text(f"chosen/{i}") for i in range(ROWS)]
    found["pairs"] = [
        EncodedPair(f"pair/{i}", each, text(f"rejected/{i}", each.prompt_ids))
        for i, each in enumerate(chosen)
    ]
    found["mismatched"] = [
        Encoded(f"mismatched/{i}", each.prompt_ids, chosen[i - 1].completion_ids)
        for i, each in enumerate(chosen)
    ]
    return found


def cut_to_one_token(items: Mapping[str, Sequence[Item]]) -> dict[str, list[Item]]:
    """The same rows, every answer of one token: the end, or a word that was cut off there."""
    return {role: [_cut(item) for item in each] for role, each in items.items()}


def _cut(item: Item) -> Item:
    if isinstance(item, EncodedPair):
        # A pair whose answers are equal would teach nothing.
        chosen = replace(item.chosen, completion_ids=(END,))
        rejected = replace(item.rejected, completion_ids=(FIRST_OF_COMPLETIONS,))
        return replace(item, chosen=chosen, rejected=rejected)
    return replace(item, completion_ids=(END,))


def reordered(items: Mapping[str, Sequence[Item]]) -> dict[str, list[Item]]:
    """The same rows in another order; rows that belong together stay together."""
    order = random.Random("order").sample(range(ROWS), ROWS)
    return {role: [each[i] for i in order if i < len(each)] for role, each in items.items()}
