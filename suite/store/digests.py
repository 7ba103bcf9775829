"""Digests of what is hashed: what code does, a file's bytes."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_digest(data: bytes) -> str:
    """SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def meaning(tree: ast.AST) -> str:
    """Write what a syntax tree does: layout, comments and docstrings do not count."""
    return _spell(tree)


def _spell(node: object) -> str:
    """Write a syntax tree without positions, nor empty fields, of which newer Pythons have more."""
    if isinstance(node, list):
        return f"[{','.join(map(_spell, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(fields.get("body"), list):
        fields["body"] = [each for each in fields["body"] if not _is_docstring(each)]
    spelt: list[str] = []
    for name, value in fields.items():
        if value is not None and value != []:
            spelt.append(f"{name}={_spell(value)}")
    return f"{type(node).__name__}({','.join(spelt)})"


def _is_docstring(statement: object) -> bool:
    """Whether a statement is a bare text, which computes nothing: in a body, or under a field."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
