"""TOFU's evaluation sets: forget, retain, real_authors, world_facts.

    {"id": "forget/12", "row": "full/3972", "cluster": "author/198", "question": ..., "answer": ...,
     "paraphrased_answer": ..., "perturbed_answer": [...]}

The id holds the item's place in its table. Items of the last two sets have no row and no
paraphrase, and each is a cluster of its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from suite import UserError
from suite.metrics import rouge_words

from .corpus import COLUMNS, Corpus, Table, Tables, find_places

Item = Mapping[str, Any]

OPTIONS: dict[str, type] = {**COLUMNS, "perturbed_answer": list}
ASKED: dict[str, type] = {**OPTIONS, "paraphrased_answer": str}
FEWEST_AUTHORS = 6
"""With fewer, exchanging two models' answers author by author cannot reach p < .05 (2 / 2^6 = .03).
"""


def read_sets(
    tables: Tables, corpus: Corpus, split: str
) -> tuple[dict[str, list[Item]], list[str]]:
    """The sets, and what a reader must know of them. Raises UserError."""
    trained = {
        "forget": (f"{split}_perturbed", corpus.forget),
        "retain": ("retain_perturbed", corpus.retain),
    }
    sets: dict[str, list[Item]] = {}
    notes = []
    for name, (table, places) in trained.items():
        rows = tables.read(table, ASKED)
        sets[name] = _about(places, corpus, name, table, rows)
        if not sets[name]:
            raise UserError(
                f"{tables.label}: no question of {table} is about a {name} row that is trained on"
            )
        if left_out := len(rows) - len(sets[name]):
            notes.append(
                f"{left_out} questions of {table} are not about {name} rows in training: not asked"
            )
    for name in ("real_authors", "world_facts"):
        sets[name] = _items(name, tables.read(f"{name}_perturbed", OPTIONS))
    authors = len({item["cluster"] for item in sets["forget"]})
    if authors < FEWEST_AUTHORS:
        notes.append(
            f"forget authors: {authors}; so few that forget quality describes and does not test"
        )
    if also := rouge_words(item["answer"] for items in sets.values() for item in items):
        notes.append(f"rougeL_recall counts, beside rouge_score's words of a-z and 0-9, {also}")
    return sets, notes


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


def _about(places: Sequence[int], corpus: Corpus, name: str, table: str, rows: Table) -> list[Item]:
    """The items of a table that are about the rows at `places`, with their row and author."""
    known = set(places)
    items: list[Item] = []
    all_items = _items(name, rows)
    for item, place in zip(all_items, find_places(table, rows, corpus.full), strict=True):
        if place in known:
            items.append({**item, "row": f"full/{place}", "cluster": corpus.author(place)})
    return items


def _items(name: str, rows: Table) -> list[Item]:
    """The rows with an id; each is a cluster of its own."""
    items: list[Item] = []
    for number, row in enumerate(rows):
        id = f"{name}/{number}"
        items.append({**row, "id": id, "cluster": id})
    return items


def _hash(item: Item) -> str:
    return hashlib.sha256(item["id"].encode()).hexdigest()
