"""A folder of own data: its files read, and checked against each other.

forget.jsonl     required
retain.csv       each may end in .json, .jsonl, .csv or .parquet, the first three also in .gz
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import UserError, nearest
from suite.tables import Name, Turns, digest, load_table, table_names

from .formats import NAMES
from .overlaps import Overlaps
from .rows import COLUMNS, Entry, Reader, completion_of
from .windows import Piece

SETS = ("forget", "retain", "holdout", "utility")
ABOUT_FORGET = ("paraphrase", "alternate")
"""Files whose rows belong to rows of forget."""
ANSWER: dict[str, type] = {"id": Name, "cluster": Name, "answer": str, "completion": Turns}

Table = list[dict[str, Any]]


@dataclass(frozen=True)
class Folder:
    """What was read."""

    sets: Mapping[str, Sequence[Entry]]
    """forget, and those of retain, holdout, utility that are there."""
    answers: Mapping[str, Mapping[str, Sequence[Piece]]]
    """paraphrase, alternate: id of a row of forget -> other answers to its prompt."""
    revision: str
    notes: Sequence[str] = ()


def read_folder(path: str, reader: Reader, *, allow_overlap: bool) -> Folder:
    """Read and check everything. UserError names file and row."""
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(f"--data {path}: benchmark 'forget' reads a folder, and this is none")
    there = _names(folder)
    tables: dict[str, Table] = {}
    for name in [name for name in NAMES if name in there or name == "forget"]:
        about = name in ABOUT_FORGET
        columns = ANSWER if about else COLUMNS
        optional = set(columns) - {"id"} if about else set(columns)
        tables[name] = load_table(path, name, columns, optional=optional, exact=True)
    sets = {name: _entries(name, tables[name], reader) for name in SETS if name in tables}
    answers = {}
    for name in [name for name in ABOUT_FORGET if name in tables]:
        answers[name] = _answers(name, tables[name], sets["forget"], reader)
    notes = Overlaps(sets).checked(allow_overlap=allow_overlap)
    label = folder.resolve().name
    return Folder(sets, answers, f"{label}@{digest([tables])[:12]}", notes)


def _names(folder: Path) -> set[str]:
    """The tables of the folder. UserError: one that seems to be misspelt."""
    names = table_names(folder)
    for name in names:
        near = nearest(name, [known for known in NAMES if known not in names])
        if name not in NAMES and near and "forget" in names:
            raise UserError(f"{folder}: no table is called {name!r}; did you mean {near!r}?")
    return set(names)


def _entries(name: str, table: Table, reader: Reader) -> list[Entry]:
    """The rows of a file. UserError: an id is there twice."""
    entries: list[Entry] = []
    first: dict[str, int] = {}
    for number, row in enumerate(table, 1):
        place = f"{name}, row {number}"
        entry = reader.entry(row, number, place)
        if entry.id in first:
            raise UserError(f"{place}: the id {entry.id!r} is that of row {first[entry.id]} too")
        first[entry.id] = number
        entries.append(entry)
    return entries


def _answers(
    name: str, table: Table, forget: Sequence[Entry], reader: Reader
) -> dict[str, list[Piece]]:
    """Other answers to the prompts of forget, by id. UserError: a row of forget has none."""
    known = {entry.id: entry for entry in forget}
    found: dict[str, list[Piece]] = {}
    for number, row in enumerate(table, 1):
        place = f"{name}, row {number}"
        id = str(row["id"])
        if id not in known:
            near = nearest(id, known)
            hint = f"; did you mean {near!r}?" if near else ""
            raise UserError(f"{place}: forget has no row with the id {id!r}{hint}")
        if known[id].is_text:
            raise UserError(f"{place}: row {id!r} of forget is a plain text, which has no answer")
        piece = Piece(known[id].pieces[0].prompt, _answer(row, place))
        reader.check_length(piece, place, "shorten it")
        found.setdefault(id, []).append(piece)
    if lacking := [id for id in known if id not in found]:
        raise UserError(
            f"{name}: {len(lacking)} of {len(known)} rows of forget have no answer there, the "
            f"first {lacking[0]!r}"
        )
    return found


def _answer(row: Mapping[str, Any], place: str) -> str:
    given = [column for column in ("answer", "completion") if column in row]
    if len(given) != 1:
        there = " and ".join(given) or "neither"
        raise UserError(f"{place}: a row has answer or completion; this one has {there}")
    return completion_of(row[given[0]], f"{place}, {given[0]!r}")
