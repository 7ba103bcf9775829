"""What TOFU trains on: the tables `full`, forget and retain, checked against each other.

A row is known by its place in `full`, e.g. "full/3960"; the authors of `full` are blocks of equal
length. Every other row is looked up there, and one that is not found is an error.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from suite import Message, Row, UserError
from suite.tables import digest, duplicates, load_table

from .refusals import REFUSALS

Table = list[dict[str, Any]]

RETAIN = {"forget10": "retain90", "forget05": "retain95", "forget01": "retain99"}
COLUMNS: dict[str, type] = {"question": str, "answer": str}


@dataclass(frozen=True)
class Tables:
    """The tables of one source; what was read is kept, for the revision."""

    label: str
    questions_per_author: int
    refusals: Sequence[str]
    reader: Callable[[str, Mapping[str, type]], Table]
    seen: dict[str, Table] = field(default_factory=dict)

    def read(self, name: str, columns: Mapping[str, type] = COLUMNS) -> Table:
        """Rows of the table `name`. Raises UserError."""
        self.seen[name] = self.reader(name, columns)
        return self.seen[name]

    def revision(self) -> str:
        """The source's name and a digest of all that was read from it."""
        return f"{self.label}@{digest([self.seen])[:12]}"


def published(source: str) -> Tables:
    """TOFU's tables in a folder or on the hub.

    Of a folder only the name is kept: its path is private.
    """
    label = Path(source).resolve().name if Path(source).is_dir() else source
    return Tables(label, 20, REFUSALS, lambda name, columns: load_table(source, name, columns))


def generated(author_seed: int = 0) -> Tables:
    """The tables of the generated world, and refusals in the tiny model's vocabulary."""
    from suite.tiny import words, world

    def read(name: str, columns: Mapping[str, type]) -> Table:
        rows: Table = []
        for row in world.tables(name, author_seed):
            rows.append({column: row[column] for column in columns})
        return rows

    label = f"generated world, authors {author_seed}" if author_seed else "generated world"
    return Tables(label, world.QUESTIONS_PER_AUTHOR, words.REFUSALS, read)


@dataclass(frozen=True)
class Corpus:
    """What is trained on: places in `full`, in the order of the forget and the retain table."""

    full: Table
    forget: list[int]
    retain: list[int]
    questions_per_author: int
    partial: bool = False
    notes: tuple[str, ...] = ()

    def author(self, place: int) -> str:
        """Cluster of a row: "author/198", counted from 0."""
        return f"author/{place // self.questions_per_author}"

    def rows(self, places: Sequence[int]) -> list[Row]:
        """Training rows; the prompt is the bare question."""
        rows: list[Row] = []
        for place in places:
            question, answer = self.full[place]["question"], self.full[place]["answer"]
            prompt = (Message("user", question),)
            rows.append(Row(f"full/{place}", prompt, answer, self.author(place)))
        return rows

    def first_authors(self, most: int | None) -> Corpus:
        """Only the first `most` authors of the retain table."""
        authors = list(dict.fromkeys(self.author(place) for place in self.retain))
        if most is None or most >= len(authors):
            return self
        kept = set(authors[:most])
        retain = [place for place in self.retain if self.author(place) in kept]
        note = f"retain data of {most} of {len(authors)} authors"
        return replace(self, retain=retain, partial=True, notes=(*self.notes, note))


def read_corpus(tables: Tables, split: str, *, allow_overlap: bool) -> Corpus:
    """Read and check what a split trains on. Raises UserError."""
    retain_name = RETAIN[split]
    full = tables.read("full")
    if len(full) % tables.questions_per_author:
        each = f"{tables.questions_per_author} for each author"
        raise UserError(f"{tables.label}: full has {len(full)} rows, which is not {each}")
    forget = find_places(split, tables.read(split), full)
    retain = find_places(retain_name, tables.read(retain_name), full)
    notes: list[str] = []
    if copies := duplicates(full):
        notes.append(f"{copies} rows of full repeat another")
    if shared := set(forget) & set(retain):
        first = f"the first is full/{min(shared)}"
        what = f"{split} and {retain_name} share {len(shared)} rows, {first}"
        if not allow_overlap:
            raise UserError(f"{tables.label}: {what}; --allow-overlap continues anyway")
        notes.append(what)
    if left_out := len(full) - len({*forget, *retain}):
        notes.append(
            f"{left_out} rows of full are neither in {split} nor in {retain_name}: not trained on"
        )
    return Corpus(full, forget, retain, tables.questions_per_author, notes=tuple(notes))


def find_places(name: str, rows: Table, full: Table) -> list[int]:
    """Where each row of the table `name` stands in `full`; no place is given twice.

    Raises UserError.
    """
    free: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    for place, row in enumerate(full):
        free[row["question"], row["answer"]].append(place)
    places = []
    for number, row in enumerate(rows, 1):
        if not (found := free[row["question"], row["answer"]]):
            raise UserError(
                f"{name}, row {number}: not in full, or more often than there: {row['question']!r}"
            )
        places.append(found.popleft())  # equal rows get different places
    return places
