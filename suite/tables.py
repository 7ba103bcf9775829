"""Read a table of training or evaluation data, from a local folder or from the hub, and check every
row.

    rows = load_table("data/tofu", "forget10", {"question": str, "answer": str})
    columns = {"question": str, "perturbed_answer": list}
    rows = load_table("locuslab/TOFU", "forget10_perturbed", columns)

A local table is `<folder>/<name>` with one of the endings .json or .jsonl (JSON lines, or one JSON
array), .csv (the first line names the columns), the same with .gz behind, or .parquet. A file is
read anew each time, so one that was replaced in place is never taken for the old one. Whatever is
wrong with a row is an error that names file, line and column: nothing is dropped or repaired
silently.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.core import hub
from suite.core.columns import MaybeText, Name, Turns, check_row
from suite.core.errors import CUTOFF, UserError, nearest

__all__ = [
    "MaybeText",
    "Name",
    "Shape",
    "Turns",
    "digest",
    "duplicates",
    "find_table",
    "load_file",
    "load_table",
    "shape",
    "table_names",
]

Placed = Iterable[tuple[str, Any]]
"""Rows, each with where it stands, for messages: "data/forget10.json, line 3"."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def load_table(
    source: str,
    name: str,
    columns: Mapping[str, type],
    *,
    optional: Collection[str] = (),
    exact: bool = False,
    split: str = "train",
) -> list[dict[str, Any]]:
    """Read the table `name` of `source`: one dict per row, in the file's order, holding `columns`
    alone.

    `columns`: name -> type of its values; `list` means texts, at least one. Texts are never empty,
    except of the kind `MaybeText`, and always valid Unicode. `Turns` may be a text or messages,
    `Name` a text or a whole number. A row may lack `optional` columns; `exact`: it may have no
    others than these. `split` is used on the hub only.
    Raises UserError.
    """
    if Path(source).is_dir():
        placed = _placed(find_table(Path(source), name))
    elif _HUB_ID.fullmatch(source):
        placed = _read_hub(source, name, split)
    else:
        raise UserError(
            f"no folder {source!r} ({_beside(Path(source))}), and not a hub id, owner/name, either"
        )
    return _checked(placed, columns, optional, f"{source}: table {name!r}", exact=exact)


def load_file(
    path: Path, columns: Mapping[str, type], *, optional: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Read a file that is a table by itself. Arguments, result and errors as of `load_table`."""
    if not _ending(path):
        raise UserError(f"{path}: a table ends in {', '.join(_READERS)}; .gz may follow")
    return _checked(_placed(path), columns, optional, str(path))


def _checked(
    placed: Placed,
    columns: Mapping[str, type],
    optional: Collection[str],
    what: str,
    *,
    exact: bool = False,
) -> list[dict[str, Any]]:
    rows = [check_row(row, columns, optional, place, exact=exact) for place, row in placed]
    if not rows:
        raise UserError(f"{what} is empty")
    return rows


def digest(rows: Sequence[Mapping[str, Any]]) -> str:
    """sha256 (hex) of the rows, in order, as canonical JSON."""
    text = json.dumps(list(rows), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def duplicates(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many rows repeat an earlier row exactly."""
    counts = Counter(json.dumps(row, sort_keys=True) for row in rows)
    return len(rows) - len(counts)


@dataclass(frozen=True)
class Shape:
    """How many rows a file has, and which columns: column -> rows that have it."""

    rows: int
    columns: Mapping[str, int]


def shape(path: Path) -> Shape:
    """Count the rows and columns of a file, whatever they hold. Raises UserError: not a table."""
    rows = [row for _, row in _placed(path)]
    columns: Counter[str] = Counter()
    for row in rows:
        columns.update(list(row) if isinstance(row, dict) else [])
    return Shape(len(rows), dict(columns))


def table_names(folder: Path) -> list[str]:
    """The tables of a folder."""
    found = {path.name.removesuffix(_ending(path)) for path in folder.iterdir() if _ending(path)}
    return sorted(found)


def _ending(path: Path) -> str:
    """The ending of a table's file, such as .jsonl or .jsonl.gz; "" if it is none."""
    packed = [f"{ending}.gz" for ending in _READERS if ending != ".parquet"]
    return next((ending for ending in (*_READERS, *packed) if path.name.endswith(ending)), "")


def _placed(path: Path) -> Placed:
    """The rows of a file."""
    return _READERS[_ending(path).removesuffix(".gz")](path)


def find_table(folder: Path, name: str) -> Path:
    """The file of a folder's table. UserError: there is none (the nearest names), or several."""
    endings = (*_READERS, *(f"{plain}.gz" for plain in _READERS))
    paths = [folder / f"{name}{ending}" for ending in endings]
    found = [path for path in paths if path.is_file() and _ending(path)]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UserError(f"{folder}: table {name!r} is there in several files: {names}; keep one")
    if found:
        return found[0]
    known = table_names(folder)
    near = difflib.get_close_matches(name, known, n=3, cutoff=CUTOFF)
    there = (
        f"the nearest are {', '.join(near)}"
        if near
        else f"there are {', '.join(known) or 'no tables'}"
    )
    raise UserError(f"{folder}: no file {name}.json (or {', '.join(list(_READERS)[1:])}); {there}")


def _beside(path: Path) -> str:
    """What is where `path` should be."""
    parent = next(folder for folder in path.absolute().parents if folder.is_dir())
    folders = sorted(entry.name for entry in parent.glob("[!.]*") if entry.is_dir())
    if near := nearest(path.name, folders):
        return f"did you mean {near!r}?"
    return f"the folders there are {', '.join(folders[:8]) or 'none'}"


def _read_json(path: Path) -> Placed:
    text = _text(path)
    if text.lstrip().startswith("["):
        array = _parse(text, path, 1)
        yield from ((f"{path}, item {number}", row) for number, row in enumerate(array, 1))
        return
    # Not splitlines(): a line separator such as U+2028 is legal inside a JSON string.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{path}, line {number}", _parse(line, path, number)


def _parse(text: str, path: Path, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise UserError(
            f"{path}, line {line}, column {error.colno}: not JSON: {error.msg}"
        ) from None


def _read_csv(path: Path) -> Placed:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise UserError(
                    f"{place}: not {len(reader.fieldnames or ())} fields, as the first line has"
                )
            yield place, row
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.reader.line_num}: not CSV: {error}") from None


def _text(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{path}: not gzip: {_first_line(error)}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `error.object`, `error.start` exclude a byte order mark, which does not change the line.
        before = error.object[: error.start].split(b"\n")
        place = f"{path}, line {len(before)}, byte {len(before[-1]) + 1}"
        raise UserError(f"{place}: not UTF-8: {error.reason}") from None


def _read_parquet(path: Path) -> Placed:
    # Not by `datasets`, which keeps a copy and knows it by path and time stamp alone.
    import pyarrow
    from pyarrow import parquet

    try:
        rows = parquet.ParquetFile(path).read().to_pylist()
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        raise UserError(f"{path}: not parquet: {_first_line(error)}") from None
    return ((f"{path}, row {number}", row) for number, row in enumerate(rows, 1))


_READERS: dict[str, Callable[[Path], Placed]] = {
    ".json": _read_json,
    ".jsonl": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _read_hub(source: str, name: str, split: str) -> Placed:
    """What `datasets` gives for a hub id (or for a folder whose README.md lists configurations)."""
    import datasets

    try:
        if _HUB_ID.fullmatch(source):
            hub.check(source, "dataset")
        table = datasets.load_dataset(source, name, split=split, trust_remote_code=False)
    except (UserError, ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise UserError(
            f"cannot read {source!r}, {name!r}: no such folder here ({_beside(Path(source))}), "
            f"and the hub gives: {_first_line(error)}"
        ) from None
    return ((f"{source}, {name}, row {number}", row) for number, row in enumerate(table, 1))


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
