"""docs/plugins.md documents every hook with its exact signature, and its example is a working
plugin."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from suite import hookspecs
from suite.registry import Registry
from tests.thirdparty.distributions import Site

DOCS = Path(__file__).parent.parent / "docs" / "plugins.md"


def specified() -> dict[str, str]:
    """Hook -> its signature, from the source."""
    tree = ast.parse(Path(hookspecs.__file__).read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        f.name: f"def {f.name}({ast.unparse(f.args)}) -> {ast.unparse(f.returns)}"
        for f in functions
        if f.returns
    }


def documented() -> dict[str, str]:
    found = re.findall(
        r"^### (suite_\w+)\n\n```python\n(.*?)\n```$", DOCS.read_text(), re.MULTILINE | re.DOTALL
    )
    return dict(found)


def test_every_hook_is_documented_with_its_exact_signature() -> None:
    assert documented() == specified()
    assert set(specified()) == {name for name in vars(hookspecs) if name.startswith("suite_")}


def test_every_hook_is_called_by_the_host() -> None:
    host = Path(hookspecs.__file__).parent
    source = "".join(path.read_text() for path in host.rglob("*.py") if path.name != "hookspecs.py")
    assert [name for name in specified() if f'"{name}"' not in source] == []


def test_the_example_is_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(from dataclasses.*?)```", DOCS.read_text(), re.DOTALL)
    assert example is not None
    Site(tmp_path, monkeypatch).add("my-unlearning", {"capped_ga": example[1]})
    method = Registry.load().method("capped_ga")
    assert method.Config().cap == 4.0
