"""`suite agreement`: how far judges agree with people, and people with each other.

    item,human,judge_simple,judge_concise,slice
    17,A,A,B,sft          one row for each person who compared the two answers of an item
    17,B,A,B,sft
    18,tie,A,A,ppo

The protocol of the human study in DPO's paper (arXiv 2305.18290, table 2): a slice is a pair of
models, and every judge's prompt has a column. Rows of one item depend on each other, so intervals
resample whole items.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import click

from suite.cli.installed import json_option
from suite.cli.tables import show_table
from suite.core.errors import UserError

HUMAN, SLICE, ITEM = "human", "slice", "item"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Ratings:
    """Pairs of ratings by two raters, with the item that each pair is about."""

    first: list[str]
    second: list[str]
    items: list[str]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--judge", "judges", multiple=True, metavar="COLUMN", help="Default: all columns named judge..."
)
@click.option(
    "--ordinal",
    metavar="LABEL,...",
    help="The labels are a scale, in this order: kappa is weighted by squared distance.",
)
@json_option
def agreement(file: Path, judges: tuple[str, ...], ordinal: str | None, as_json: bool) -> None:
    """Compare judges with people: kappa and raw agreement.

    FILE is CSV or JSON lines. Columns: human (a person's label) and judge... (a label by each
    judge). Optional: item (rows about the same two answers share it; default: every row is an
    item of its own) and slice. Where several people judged an item, people are compared too.

    \b
    Examples:
      suite agreement labels.csv
      suite agreement labels.jsonl --judge judge_concise --ordinal worse,tie,better
    """
    rows, columns = read_labels(file, judges)
    scale = ordinal.split(",") if ordinal else None
    table: list[dict[str, Any]] = []
    for slice, part in slices(rows).items():
        for name, ratings in compared(part, columns):
            table.append(measured(slice, name, ratings, scale))
    if as_json:
        click.echo(json.dumps(table, indent=1))
    else:
        show_table(f"agreement · {file.name}", [_shown(row) for row in table])


def read_labels(file: Path, judges: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Rows of labels, and the judges' columns. UserError names file, line and column."""
    from suite.tables import load_file

    if not file.is_file():
        raise UserError(f"{file}: no such file")
    there = _columns(file)
    columns = list(judges) or [name for name in there if name.startswith("judge")]
    if HUMAN not in there or not columns:
        raise UserError(
            f"{file}: needs columns {HUMAN!r} and 'judge...', there are {', '.join(there)}"
        )
    optional = [name for name in (ITEM, SLICE) if name in there]
    rows = load_file(file, dict.fromkeys([HUMAN, *columns, *optional], str))
    # A row without an item is an item of its own.
    numbered: list[Row] = [{ITEM: str(number), **row} for number, row in enumerate(rows, 1)]
    return numbered, columns


def _columns(file: Path) -> list[str]:
    """The names of the first row's columns."""
    import pandas as pd

    try:
        if file.suffix == ".csv":
            return list(pd.read_csv(file, nrows=1, dtype=str).columns)
        if file.suffix in (".json", ".jsonl"):
            text = file.read_text(encoding="utf-8-sig").lstrip()
            if text.startswith("["):
                return list(json.loads(text)[0])
            first_line = text.partition("\n")[0]
            return list(json.loads(first_line))
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{file}: cannot be read: {error}") from None
    raise UserError(f"{file}: labels are CSV or JSON lines")


def slices(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """All rows, then those of each slice."""
    found = {"all": list(rows)}
    for row in rows:
        if SLICE in row:
            found.setdefault(row[SLICE], []).append(row)
    return found


def compared(rows: Sequence[Row], judges: Sequence[str]) -> Iterator[tuple[str, Ratings]]:
    """Each judge with the people, and people with each other where an item has several."""
    people = [row[HUMAN] for row in rows]
    items = [row[ITEM] for row in rows]
    for judge in judges:
        yield judge, Ratings([row[judge] for row in rows], people, items)
    among_people = _pairs_of_people(rows)
    if among_people.items:
        yield "human", among_people


def _pairs_of_people(rows: Sequence[Row]) -> Ratings:
    """Every two people who judged the same item.

    Who is first of two people means nothing, so each pair counts in both orders.
    """
    by_item: dict[str, list[str]] = {}
    for row in rows:
        by_item.setdefault(row[ITEM], []).append(row[HUMAN])
    one_order: list[tuple[str, str, str]] = []
    for item, labels in by_item.items():
        for first, second in combinations(labels, 2):
            one_order.append((first, second, item))
    other_order = [(second, first, item) for first, second, item in one_order]
    found = Ratings([], [], [])
    for first, second, item in one_order + other_order:
        found.first.append(first)
        found.second.append(second)
        found.items.append(item)
    return found


def measured(
    slice: str, name: str, ratings: Ratings, scale: Sequence[str] | None
) -> dict[str, Any]:
    """Kappa and raw agreement, with intervals over items."""
    from suite import stats

    labels = {*ratings.first, *ratings.second}
    if scale and (unknown := labels - set(scale)):
        raise UserError(
            f"--ordinal: {min(unknown)!r} is a label too; the scale is {', '.join(scale)}"
        )
    found = stats.kappa(
        ratings.first,
        ratings.second,
        "quadratic" if scale else None,
        categories=scale,
        clusters=ratings.items,
    )
    pairs = len(ratings.first) // (2 if name == HUMAN else 1)
    return {
        "slice": slice, "with human": name, "pairs": pairs, "items": len(set(ratings.items)),
        "kappa": found.kappa.value, "kappa_low": found.kappa.low, "kappa_high": found.kappa.high,
        "raw": found.raw.value, "raw_low": found.raw.low, "raw_high": found.raw.high,
        "note": found.kappa.note,
    }  # fmt: skip


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    from suite.report.numbers import number

    def interval(name: str) -> str:
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        return "" if low is None else f"[{number(low)}, {number(high)}]"

    plain = {name: row[name] for name in ("slice", "with human", "pairs", "items")}
    kappa = {"kappa": number(row["kappa"]), "95 % interval": interval("kappa")}
    return {
        **plain,
        **kappa,
        "raw agreement": number(row["raw"]),
        "interval": interval("raw"),
        "note": row["note"],
    }
