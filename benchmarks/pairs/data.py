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

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suite import BenchmarkData, Message, Pair, Request, Row, UserError

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
    cut = limit is not None and limit < len(held_out)
    if cut:
        notes = (*notes, f"{limit} of {len(held_out)} held-out pairs")
    items = [item(name, pair) for pair in held_out[:limit]]
    roles = roles_of(training)
    mean = sum(i["edit_distance"] for i in items) / len(items)
    return BenchmarkData(
        roles=roles,
        starts={REFERENCE: roles["demonstrations"]},
        sets={name: items},
        revision=revision,
        partial=cut,
        notes=(
            *notes,
            f"mean edit distance of the held-out pairs: {mean:.3f} (words, over the longer answer's)",
        ),
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
    """Every prompt once; methods that sample answer it themselves."""
    distinct = {pair.prompt: pair for pair in reversed(pairs)}
    return [Row(pair.id, pair.prompt, "", pair.cluster) for pair in reversed(distinct.values())]


def mismatched(pairs: Sequence[Pair]) -> list[Row]:
    """Row i: prompt i with the chosen answer of the next pair (around the end) that has another
    prompt."""
    after = [next(_others(pairs, i), pair) for i, pair in enumerate(pairs)]
    return [
        Row(f"{pair.id} (mismatched)", pair.prompt, other.chosen, pair.cluster)
        for pair, other in zip(pairs, after, strict=True)
    ]


def _others(pairs: Sequence[Pair], i: int) -> Iterator[Pair]:
    size = len(pairs)
    following = (pairs[(i + k) % size] for k in range(1, size))
    return (other for other in following if other.prompt != pairs[i].prompt)


def item(name: str, pair: Pair) -> Item:
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
    return [
        Request(
            f"{item['id']}/{which}",
            "loglikelihood",
            item["pair"].prompt,
            getattr(item["pair"], which),
        )
        for items in data.sets.values()
        for item in items
        for which in ("chosen", "rejected")
    ]


def edit_distance(a: str, b: str) -> float:
    """Levenshtein distance of two answers in words and punctuation marks, over the longer one's
    count, in [0, 1]."""
    import numpy as np

    x, y = words(a), np.array(words(b), dtype=object)
    longest = max(len(x), len(y))
    index = np.arange(len(y) + 1)
    row = index
    for number, word in enumerate(x, 1):
        replaced_or_deleted = np.minimum(row[:-1] + (y != word), row[1:] + 1)
        # An insertion costs 1 a column, so the best column to insert from is a running minimum.
        row = np.minimum.accumulate(np.concatenate([[number], replaced_or_deleted]) - index) + index
    return float(row[-1]) / longest if longest else 0.0


def words(text: str) -> list[str]:
    """Words and punctuation marks, each apart."""
    return re.findall(r"\w+|[^\w\s]", text)


def prompt_text(prompt: Sequence[Message]) -> str:
    """A conversation as one text, e.g. to tell equal prompts."""
    return "\n\n".join(f"{message.role}: {message.content}" for message in prompt)
