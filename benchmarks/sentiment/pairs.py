"""From the starting model's completions to pairs, labelled by the ground truth.

    4 completions of one prefix, rewards .9 .7 .7 .2     ->  5 pairs (6 without the tie), higher reward chosen

Pairs of equal rewards or of equal texts say nothing and are left out; so are empty completions, and
where a `gap` is set pairs whose rewards differ by no more, since small differences of a weak
classifier say little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from suite import Pair, Response, Row, UserError

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
    texts = {row.id: responses[f"{row.id}/{REQUEST}"].texts for row in prompts}
    flat = [(row, text) for row in prompts for text in texts[row.id]]
    values = iter(reward.score([row.prompt for row, _ in flat], [text for _, text in flat]))
    pairs = [
        pair
        for row in prompts
        for pair in _pairs(row, texts[row.id], [next(values) for _ in texts[row.id]], gap)
    ]
    if len({pair.prompt for pair in pairs}) < 2:
        raise UserError(
            f"of {len(flat)} sampled completions no two of one prefix differ in reward by more than {gap:g}, or only "
            "of one prefix: nothing to prefer (raise sentiment.prefixes or sentiment.length)"
        )
    return {"pairs": pairs, "mismatched": mismatched(pairs)}


def _pairs(row: Row, texts: Sequence[str], rewards: Sequence[float], gap: float) -> Iterator[Pair]:
    for i, j in combinations(range(len(texts)), 2):
        better, worse = (i, j) if rewards[i] > rewards[j] else (j, i)
        differ = rewards[better] - rewards[worse] > gap and texts[i] != texts[j]
        if differ and texts[i].strip() and texts[j].strip():
            yield Pair(f"{row.id}/{i}-{j}", row.prompt, texts[better], texts[worse], row.cluster)
