"""TOFU's evaluation sets: forget, retain, real_authors, world_facts.

    {"id": "forget/12", "row": "full/3972", "cluster": "author/198", "question": ..., "answer": ...,
     "paraphrased_answer": ..., "perturbed_answer": [...]}

The id holds the item's place in its table. Items of the last two sets have no row and no
paraphrase, and each is a cluster of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from suite import UserError

from ..memorisation.answers import recall_note
from ..memorisation.limit import Item
from .corpus import COLUMNS, Corpus, Table, Tables, find_places

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
    notes += recall_note(item["answer"] for items in sets.values() for item in items)
    return sets, notes


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
