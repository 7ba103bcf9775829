"""What a column of a table may hold, and whether a row holds it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from suite.core.errors import UserError, nearest

_SURROGATE = re.compile("[\ud800-\udfff]")


class Turns:
    """Kind of a column: a text, one message, or a list of messages."""


class MaybeText:
    """Kind of a column: a text, which may be empty or null."""


class Name:
    """Kind of a column: what a row is called, a text or a whole number."""


def check_row(
    row: Any,
    columns: Mapping[str, type],
    optional: Collection[str],
    place: str,
    *,
    exact: bool = False,
) -> dict[str, Any]:
    """Return the `columns` of a row; `exact`: it has no others.

    UserError, naming `place`, what is wrong with them.
    """
    if not isinstance(row, dict):
        raise UserError(f"{place}: must be an object with {', '.join(columns)}, not {_kind(row)}")
    if exact:
        _check_known(row, columns, place)
    there = {
        column: kind for column, kind in columns.items() if column in row or column not in optional
    }
    for column, kind in there.items():
        if column not in row:
            near = nearest(column, row)
            hint = f"; did you mean {near!r}?" if near else ""
            raise UserError(
                f"{place}: no column {column!r}, there are {', '.join(row) or 'none'}{hint}"
            )
        _check_value(row[column], kind, f"{place}, {column!r}")
    return {column: row[column] for column in there}


def _check_known(row: Mapping[str, Any], columns: Collection[str], place: str) -> None:
    """Refuse a column that nobody reads: it may be a misspelt one."""
    for column in row:
        if column not in columns:
            near = nearest(column, columns)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(columns)}"
            raise UserError(f"{place}: unknown column {column!r}; {hint}")


def _check_value(value: Any, kind: type, place: str) -> None:
    if kind is Turns:
        _check_turns(value, place)
        return
    if kind is Name:
        if isinstance(value, int) and not isinstance(value, bool):
            return
        kind = str
    if kind is MaybeText:
        if value is not None and not isinstance(value, str):
            raise UserError(f"{place}: must be a text, not {_kind(value)}")
        _check_unicode(value or "", place)
        return
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise UserError(f"{place}: must be {_NAMES.get(kind, kind.__name__)}, not {_kind(value)}")
    if isinstance(value, list):
        if not value:
            raise UserError(f"{place}: an empty list")
        for number, item in enumerate(value, 1):
            _check_value(item, str, f"{place}, item {number}")
    if isinstance(value, str):
        _check_text(value, place)


def _check_turns(value: Any, place: str) -> None:
    """A text, or messages: objects whose texts are valid Unicode. What is in them, their reader
    checks."""
    if isinstance(value, str):
        _check_text(value, place)
        return
    messages = value if isinstance(value, list) else [value]
    if not messages:
        raise UserError(f"{place}: an empty list")
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            what = _kind(message)
            raise UserError(f"{place}, item {number}: must be a text or messages, not {what}")
        for name, content in message.items():
            if isinstance(content, str):
                _check_unicode(content, f"{place}, item {number}, {name!r}")


def _check_text(value: str, place: str) -> None:
    if not value.strip():
        raise UserError(f"{place}: an empty text")
    _check_unicode(value, place)


def _check_unicode(value: str, place: str) -> None:
    if lone := _SURROGATE.search(value):
        raise UserError(
            f"{place}: character {lone.start() + 1} is a lone surrogate, U+{ord(lone[0]):04X}"
        )


_NAMES = {str: "a text", list: "a list of texts", dict: "an object", type(None): "null"}


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), f"{type(value).__name__} {value!r}")
