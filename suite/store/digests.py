"""Digests of what is hashed: a module's meaning, a file's bytes."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

from suite.errors import UserError


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def code_digest(module: str) -> str:
    """SHA-256 of what a module does: comments, docstrings, layout and line numbers do not count.

    A package stands for all modules in it. The module is found, not imported; its digest is taken once per
    process. Raises UserError if there is no such module or it has no file.
    """
    total = hashlib.sha256()
    for name, path in _sources(_find(module)):
        data = path.read_bytes()
        meaning = _meaning(data, path).encode() if path.suffix == ".py" else data
        total.update(f"{name}\0{len(meaning)}\0".encode() + meaning)
    return total.hexdigest()


def _find(module: str) -> ModuleSpec:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise UserError(
            f"there is no module {module!r}, so what it computes cannot be stored under a key"
        )
    return spec


def _sources(spec: ModuleSpec) -> list[tuple[str, Path]]:
    """List (name within the module, file), sorted; the names do not depend on where the package lies."""
    if spec.submodule_search_locations is not None:
        folders = [Path(folder) for folder in spec.submodule_search_locations]
        return sorted(
            (str(path.relative_to(top)), path) for top in folders for path in top.rglob("*.py")
        )
    if spec.origin is None or not Path(spec.origin).is_file():
        raise UserError(
            f"module {spec.name!r} has no file, so what it computes cannot be stored under a key"
        )
    return [("", Path(spec.origin))]


def _meaning(source: bytes, path: Path) -> str:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{path} is not valid Python: {error}") from None
    return _spell(tree)


def _spell(node: object) -> str:
    """Write a syntax tree without positions, nor empty fields, of which newer Pythons have more."""
    if isinstance(node, list):
        return f"[{','.join(map(_spell, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)
    fields = dict(ast.iter_fields(node))
    if isinstance(fields.get("body"), list):
        fields["body"] = [statement for statement in fields["body"] if not _is_docstring(statement)]
    filled = {name: value for name, value in fields.items() if value is not None and value != []}
    return f"{type(node).__name__}({','.join(f'{name}={_spell(value)}' for name, value in filled.items())})"


def _is_docstring(statement: object) -> bool:
    """Whether a statement is a bare text, at the head of a body or under a field: it computes nothing."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
