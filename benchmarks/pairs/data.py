"""From pairs to training roles, evaluation items and requests.

    Pair("12", prompt, "Paris.", "Rome.", cluster)
    pairs           the pair
    demonstrations  prompt 12 with "Paris."
    prompts         prompt 12 alone, once
    mismatched      prompt 12 with the chosen answer of another prompt (KTO estimates a KL on these)
    item            {"id": "held_out/12", "cluster": ..., "edit_distance": 0.5, "pair": the pair}
    requests        held_out/12/chosen, held_out/12/rejected

Every pair trains or is evaluated, never both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suite import BenchmarkData, Message, Pair, Request, Row, ScoreText, UserError
from suite.metrics import counts_characters, words

Item = Mapping[str, Any]

REFERENCE = "reference"
"""The start model: the base fine-tuned on the chosen answers, as DPO's paper does first. Not called
"sft": that is a method, which these benchmarks run too."""
ROLES = frozenset({"pairs", "mismatched", "demonstrations", "prompts"})
"""What pairs offer for training."""


def benchmark_data(
    name: str,
    training: Sequence[Pair],
    held_out: Sequence[Pair],
    revision: str,
    limit: int | None,
    notes: Sequence[str] = (),
) -> BenchmarkData:
    """Everything a benchmark of pairs offers; `name`: of its evaluation set."""
    is_cut = limit is not None and limit < len(held_out)
    if is_cut:
        notes = (*notes, f"{limit} of {len(held_out)} held-out pairs")
    items = [item_of(name, pair) for pair in held_out[:limit]]
    roles = roles_of(training)
    mean = sum(item["edit_distance"] for item in items) / len(items)
    unit = "words"
    if counts_characters(
        answer for pair in held_out[:limit] for answer in (pair.chosen, pair.rejected)
    ):
        unit = "words, and characters in scripts without spaces"
    distance = (
        f"mean edit distance of the held-out pairs: {mean:.3f} ({unit}, over the longer answer's)"
    )
    return BenchmarkData(
        roles=roles,
        starts={REFERENCE: roles["demonstrations"]},
        sets={name: items},
        revision=revision,
        partial=is_cut,
        notes=(*notes, distance),
    )


def roles_of(training: Sequence[Pair]) -> dict[str, list[Any]]:
    """Training rows by role."""
    demonstrations = [Row(pair.id, pair.prompt, pair.chosen, pair.cluster) for pair in training]
    return {
        "pairs": list(training),
        "mismatched": mismatched(training),
        "demonstrations": demonstrations,
        "prompts": prompts(training),
    }


def checked(pair: Pair, place: str) -> Pair:
    """Return the pair. UserError, naming `place`, where there is nothing to prefer."""
    for name in ("chosen", "rejected"):
        if not getattr(pair, name).strip():
            raise UserError(f"{place}: the {name} answer is empty")
    if pair.chosen == pair.rejected:
        raise UserError(f"{place}: the chosen and the rejected answer are equal")
    return pair


def prompts(pairs: Sequence[Pair]) -> list[Row]:
    """Every prompt once, without an answer, for methods that sample their own answers."""
    # Of equal prompts the first pair gives the id: it is the last one that is put in.
    distinct = {pair.prompt: pair for pair in reversed(pairs)}
    return [Row(pair.id, pair.prompt, "", pair.cluster) for pair in reversed(distinct.values())]


def mismatched(pairs: Sequence[Pair]) -> list[Row]:
    """Row i: prompt i with the chosen answer of the next pair that has another prompt.

    After the last pair comes the first one.
    """
    rows: list[Row] = []
    for place, pair in enumerate(pairs):
        other = _next_other(pairs, place)
        rows.append(Row(f"{pair.id} (mismatched)", pair.prompt, other.chosen, pair.cluster))
    return rows


def _next_other(pairs: Sequence[Pair], place: int) -> Pair:
    """The next pair, around the end, with another prompt; the pair itself if there is none."""
    own = pairs[place]
    for step in range(1, len(pairs)):
        other = pairs[(place + step) % len(pairs)]
        if other.prompt != own.prompt:
            return other
    return own


def item_of(name: str, pair: Pair) -> Item:
    """An item of the evaluation set `name`."""
    distance = edit_distance(pair.chosen, pair.rejected)
    return {
        "id": f"{name}/{pair.id}",
        "cluster": pair.cluster,
        "edit_distance": distance,
        "pair": pair,
    }


def requests(data: BenchmarkData) -> list[Request]:
    """The log-likelihood of both answers to every item."""
    asked: list[Request] = []
    for items in data.sets.values():
        for item in items:
            id, pair = item["id"], item["pair"]
            asked.append(ScoreText(f"{id}/chosen", pair.prompt, pair.chosen))
            asked.append(ScoreText(f"{id}/rejected", pair.prompt, pair.rejected))
    return asked


def edit_distance(a: str, b: str) -> float:
    """Levenshtein distance of two answers, as a share of the longer one's length, in [0, 1].

    Counted in words and punctuation marks, and in characters where a script puts no space between
    words.
    """
    import numpy as np

    x, y = words(a), np.array(words(b), dtype=object)
    longest = max(len(x), len(y))
    index = np.arange(len(y) + 1)
    row = index
    for number, word in enumerate(x, 1):
        replaced_or_deleted = np.minimum(row[:-1] + (y != word), row[1:] + 1)
        cheapest = np.concatenate([[number], replaced_or_deleted])
        # An insertion costs 1 a column, so the best column to insert from is a running minimum.
        row = np.minimum.accumulate(cheapest - index) + index
    return float(row[-1]) / longest if longest else 0.0


def prompt_text(prompt: Sequence[Message]) -> str:
    """A conversation as one text, e.g. to tell equal prompts."""
    return "\n\n".join(f"{message.role}: {message.content}" for message in prompt)
