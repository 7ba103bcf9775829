"""Displacement by edit distance: where chosen answers became less likely than under the reference.

    displaced_low     .05    5 % of the pairs whose answers differ in less than 30 % of their words
    displaced_medium  .00    from 30 % to 70 %
    displaced_high    .00    70 % and more

DPO's failure was shown at 6.5 % of the tokens, its success at 90 % (DPOP, arXiv 2402.13228).
"""

from __future__ import annotations

from collections.abc import Sequence

from suite import Bars, ItemScore, Metric, Tradeoff, Trajectory

from . import means
from .data import Item

BUCKETS = {"low": 0.3, "medium": 0.7, "high": float("inf")}
"""Edit distance -> the limit that it stays below."""
PICTURES = (
    Tradeoff(),
    Bars(
        {name: f"displaced_{name}" for name in BUCKETS},
        x_label="edit distance between the two answers",
        y_label="share of pairs displaced",
        share=True,
        caption=(
            "Displaced pairs: the share of pairs whose preferred answer became less likely than "
            "under the reference, by the edit distance between the two answers. Lines on the bars: "
            "the interval or the range over seeds, if known."
        ),
    ),
    Trajectory(),
)
"""What the report draws for a benchmark of pairs."""


def displacement(items: Sequence[Item], found: Sequence[ItemScore]) -> list[Metric]:
    """Share of displaced pairs in each bucket.

    `found`: the scores of `items`, `displaced` among them.
    """
    bucket = {item["id"]: bucket_of(item["edit_distance"]) for item in items}
    parts: dict[str, list[ItemScore]] = {name: [] for name in BUCKETS}
    for score in found:
        if score.metric == "displaced":
            parts[bucket[score.item_id]].append(score)
    return [means.mean(f"displaced_{name}", parts[name], False, share=True) for name in BUCKETS]


def bucket_of(edit_distance: float) -> str:
    """Name of the bucket."""
    return next(name for name, limit in BUCKETS.items() if edit_distance < limit)
