"""Docstrings and values as Markdown."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from suite.config.fields import settings_of

PAPER = re.compile(r"arXiv\s+(\d{4}\.\d{4,5})")


def prose(text: str) -> str:
    """A docstring: indented lines are code, all else is plain text in which papers are links."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        part if part.startswith("    ") else linked(plain(part)) for part in paragraphs
    )


def plain(text: str) -> str:
    """Text in which nothing but `code` is markup."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_\[\]|])", r"\\\1", html.escape(text, False))


def linked(text: str) -> str:
    """The text with a link for each paper."""
    return PAPER.sub(r"[arXiv \1](https://arxiv.org/abs/\1)", text)


def papers(text: str) -> list[str]:
    """The numbers of the papers that a docstring names, in order."""
    return list(dict.fromkeys(PAPER.findall(text)))


def module_doc(cls: type[Any]) -> str:
    """The docstring of the module that holds a class."""
    return sys.modules[cls.__module__].__doc__ or ""


def summary(cls: type[Any]) -> str:
    """The first line of a class's docstring."""
    return (cls.__doc__ or "").strip().splitlines()[0]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown."""
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace(chr(10), ' ') for cell in cells)} |"


def code(value: Any) -> str:
    """A value as code in a cell of a table."""
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"`{shown}`".replace("|", r"\|") if shown else "(empty)"


def settings_table(section: str, config: type[Any]) -> str:
    """The settings of a dataclass: name, kind of value, default, meaning."""
    rows = []
    for each in settings_of(config).values():
        name = f"{section}.{each.name}" if section else each.name
        default = "(see below)" if hasattr(each.default, "__dataclass_fields__") else each.default
        rows.append([code(name), code(each.metavar), code(default), plain(each.doc)])
    return table(["setting", "value", "default", "meaning"], rows)
