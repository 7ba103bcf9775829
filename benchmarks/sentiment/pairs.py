"""From the starting model's completions to pairs, labelled by the ground truth.

    4 completions of one prefix, rewards .9 .7 .7 .2  ->  5 pairs, the higher reward chosen
                                                          (without the tie it would be 6)

Pairs of equal rewards or of equal texts say nothing and are left out; so are empty completions, and
where a `gap` is set pairs whose rewards differ by no more, since small differences of a weak
classifier say little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice

from suite import (
    Generated,
    Pair,
    Prompt,
    Response,
    Row,
    UserError,
)

from ..pairs.data import mismatched
from .rewards import ReviewReward

REQUEST = "completions"
"""What is asked about a prefix: the request's id is "<prefix>/completions"."""


def labelled_pairs(
    prompts: Sequence[Row],
    responses: Mapping[str, Response],
    reward: ReviewReward,
    gap: float = 0.0,
) -> dict[str, Sequence[Pair] | Sequence[Row]]:
    """The roles `pairs` and `mismatched`.

    Raises UserError where no prefix has two completions that differ.
    """
    texts: dict[str, tuple[str, ...]] = {}
    for row in prompts:
        texts[row.id] = Generated.of(responses[f"{row.id}/{REQUEST}"]).texts
    asked: list[Prompt] = []
    completions: list[str] = []
    for row in prompts:
        asked += [row.prompt] * len(texts[row.id])
        completions += texts[row.id]
    # One call for all: a reward model reads texts in batches.
    values = iter(reward.score(asked, completions))
    pairs: list[Pair] = []
    for row in prompts:
        own = texts[row.id]
        pairs += _pairs(row, own, list(islice(values, len(own))), gap)
    if len({pair.prompt for pair in pairs}) < 2:
        raise UserError(
            f"of {len(completions)} sampled completions no two of one prefix differ in reward by "
            f"more than {gap:g}, or only of one prefix: nothing to prefer (raise "
            "sentiment.prefixes or sentiment.length)"
        )
    return {"pairs": pairs, "mismatched": mismatched(pairs)}


def _pairs(row: Row, texts: Sequence[str], rewards: Sequence[float], gap: float) -> Iterator[Pair]:
    """Yield the pairs among the completions of one prefix."""
    for i, j in combinations(range(len(texts)), 2):
        better, worse = (i, j) if rewards[i] > rewards[j] else (j, i)
        differ = rewards[better] - rewards[worse] > gap and texts[i] != texts[j]
        if differ and texts[i].strip() and texts[j].strip():
            yield Pair(f"{row.id}/{i}-{j}", row.prompt, texts[better], texts[worse], row.cluster)
