"""Which source a plugin consists of, so that editing a plugin never meets a result of its older self.

A module counts together with whatever it imports, directly or not, from its own top-level package: one
built-in method does not change the key of another, but a shared helper changes both. The distribution's
version stands for everything else.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path


def source_digest(modules: Iterable[str]) -> str:
    """SHA-256, in hex, of what the modules do (comments, docstrings and layout do not count)."""
    from suite.store import code_digest

    lines = "".join(f"{name} {code_digest(name)}\n" for name in sorted(modules))
    return hashlib.sha256(lines.encode()).hexdigest()


@cache
def modules_behind(module: str) -> tuple[str, ...]:
    """List the module and what it imports from its own top-level package, sorted. Nothing is imported.

    Read once per process, as `code_digest` does: the stages of a run must agree on what they are made of.
    """
    top = module.partition(".")[0]
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or name.partition(".")[0] != top:
            continue
        seen.add(name)
        path = _file(name)
        if path is not None:
            found.add(name)
            waiting += _imports(name, path)
    return tuple(sorted(found))


def _file(name: str) -> Path | None:
    """Find a module's file; None if `name` is no module (a function, say) or a folder without code."""
    try:
        loaded = sys.modules.get(name)
        spec = loaded.__spec__ if loaded else importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def _imports(name: str, path: Path) -> Iterator[str]:
    """Yield every module that the file imports. `from package import module` counts the module alone."""
    if path.suffix != ".py":
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            inner = [f"{base}.{alias.name}" for alias in node.names]
            yield from inner
            if any(_file(module) is None for module in inner):
                yield base


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """Name the module that `from ... import` names, seen from `package`."""
    if not node.level:
        return node.module or ""
    return ".".join(
        filter(None, [*package.split(".")[: package.count(".") + 2 - node.level], node.module])
    )
