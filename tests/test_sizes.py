"""Files and functions stay short enough to be read at one sight."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LINES_OF_A_FILE = 300
LINES_OF_A_FUNCTION = 40


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of each source file."""
    for folder in ("suite", "plugins", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text()


def test_files_are_short() -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources()}
    assert {path: n for path, n in lengths.items() if n > LINES_OF_A_FILE} == {}


def test_functions_are_short() -> None:
    long = {}
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION:
                    long[f"{path}: {node.name}"] = lines
    assert long == {}
