"""Plugins, the built-in ones and the third-party example, import from `suite` and its public
modules only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import suite

ROOT = Path(__file__).parent.parent
FOLDERS = ("plugins", "benchmarks", "tests/thirdparty/good")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
MODULES = {"suite", *(f"suite.{name}" for name in suite.PUBLIC_MODULES)}


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of each import from the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("suite."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "suite":
            yield from ((str(node.module), alias.name) for alias in node.names if not node.level)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_imports_public_names_only(path: Path) -> None:
    for module, name in imported(path):
        assert module in MODULES, f"{path.name} imports from {module}"
        if module == "suite":
            assert name in suite.__all__ or name in suite.PUBLIC_MODULES, name


def test_every_public_name_is_there() -> None:
    for name in suite.__all__:
        assert getattr(suite, name) is not None


def test_every_public_name_is_documented() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    assert [name for name in suite.__all__ if f"`{name}`" not in page] == []
