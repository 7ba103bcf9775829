"""What a settings dataclass says of its fields: type, default, docstring.

Flags, help and schema are made of it.
"""

from __future__ import annotations

import ast
import dataclasses
import sys
from dataclasses import MISSING
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from suite.ranges import Place


@dataclasses.dataclass(frozen=True)
class Setting:
    """One field of a settings dataclass."""

    name: str
    type: Any
    default: Any
    doc: str

    @property
    def bare(self) -> Any:
        """The type without the range that `Annotated` gives it."""
        return get_args(self.type)[0] if get_origin(self.type) is Annotated else self.type

    @property
    def is_list(self) -> bool:
        """Whether it holds several values: with commas on the command line, as a list in a file."""
        return get_origin(self.bare) in (tuple, list)

    @property
    def optional(self) -> bool:
        """Whether it may be None (`none` on the command line)."""
        return type(None) in get_args(self.bare)

    @property
    def place(self) -> Place | None:
        """The mark of a setting that names a file or folder."""
        marks = get_args(self.type)[1:] if get_origin(self.type) is Annotated else ()
        return next((mark for mark in marks if isinstance(mark, Place)), None)

    @property
    def metavar(self) -> str:
        """How the help names a value: `INT`, `TEXT,...`, `linear|constant`."""
        if get_origin(self.bare) is Literal:
            return "|".join(map(str, get_args(self.bare)))
        inner = next((arg for arg in get_args(self.bare) if arg is not type(None)), self.bare)
        name = {str: "TEXT"}.get(inner, getattr(inner, "__name__", "VALUE").upper())
        return f"{name},..." if self.is_list else name


def settings_of(cls: type[Any]) -> dict[str, Setting]:
    """Map the names of a dataclass's fields to what is known of them, in order."""
    hints = get_type_hints(cls, include_extras=True)
    docs = field_docs(cls)
    return {
        field.name: Setting(
            field.name, hints[field.name], _default(field), docs.get(field.name, "")
        )
        for field in dataclasses.fields(cls)
    }


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


def field_docs(cls: type[Any]) -> dict[str, str]:
    """Map field names to the docstrings below them, one line each, base classes included."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        file = getattr(sys.modules.get(base.__module__), "__file__", None)
        if file and dataclasses.is_dataclass(base):
            docs |= _docs_by_class(file).get(base.__name__, {})
    return docs


@cache
def _docs_by_class(file: str) -> dict[str, dict[str, str]]:
    """Read a source file once: class -> field -> docstring."""
    tree = ast.parse(Path(file).read_bytes())
    return {node.name: _docs(node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def _docs(definition: ast.ClassDef) -> dict[str, str]:
    return {
        field.target.id: " ".join(doc.value.value.split())
        for field, doc in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }
