"""Fewer items of each set, where a run is limited."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Item = Mapping[str, Any]


def limit(
    sets: Mapping[str, list[Item]], most: int | None
) -> tuple[dict[str, list[Item]], list[str]]:
    """At most `most` items of each set, with a note on each set that was cut."""
    if most is None:
        return dict(sets), []
    limited: dict[str, list[Item]] = {}
    notes: list[str] = []
    for name, items in sets.items():
        limited[name] = spread(items, most)
        if most < len(items):
            notes.append(f"{most} of {len(items)} questions of {name}")
    return limited, notes


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """`most` of the items in their order, from each cluster as equally many as possible.

    They are chosen by a hash of the id: not the first questions of each author, which ask for the
    name; the same in every run; and a smaller choice is part of a larger one.
    """
    taken: Counter[str] = Counter()
    turn: dict[str, int] = {}
    for item in sorted(items, key=_hash):
        turn[item["id"]] = taken[item["cluster"]]
        taken[item["cluster"]] += 1
    chosen = set(sorted(turn, key=turn.__getitem__)[:most])
    return [item for item in items if item["id"] in chosen]


def _hash(item: Item) -> str:
    return hashlib.sha256(item["id"].encode()).hexdigest()
