"""No code of a model, tokenizer or data set is ever run: every call that could says so itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOADERS = {"from_pretrained", "from_config", "load_dataset", "LLM", "HFLM", "VLLM", "_vllm"}
"""Functions and classes that take `trust_remote_code`, or hand it on."""
WITHOUT = {"PeftModel.from_pretrained"}
"""Those that have no such argument: the base model is loaded before."""
BY_OPTIONS = {
    ("benchmarks/lm_eval/harness.py", "HFLM"): "benchmarks/lm_eval/harness.py",
    ("benchmarks/lm_eval/harness.py", "_vllm()"): "benchmarks/lm_eval/harness.py",
    ("suite/engines/vllm/worker.py", "LLM"): "suite/engines/vllm/engine.py",
}
"""(file, called) -> the file whose dictionary of arguments says it."""
SOURCES = sorted(
    path for folder in ("suite", "plugins", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.removesuffix("()").rpartition(".")[2] in LOADERS and name not in WITHOUT:
                yield name, node


def says_no(call: ast.Call) -> bool:
    found = [k.value for k in call.keywords if k.arg == "trust_remote_code"]
    return len(found) == 1 and isinstance(found[0], ast.Constant) and found[0].value is False


def in_a_dictionary(path: Path) -> bool:
    """Whether a dictionary of this file says it, and none says otherwise."""
    values: list[object] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "trust_remote_code":
                    values.append(getattr(value, "value", value))
    return values == [False]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_call_that_loads_says_no(path: Path) -> None:
    file = str(path.relative_to(ROOT))
    for name, call in calls(ast.parse(path.read_text(encoding="utf-8"))):
        if name == "_vllm":  # the function that finds the class
            continue
        if (file, name) in BY_OPTIONS:
            assert in_a_dictionary(ROOT / BY_OPTIONS[file, name]), f"{file}: {name}"
        else:
            assert says_no(call), f"{file}, line {call.lineno}: {name}"


def test_the_calls_are_found() -> None:
    found: set[tuple[str, str]] = set()
    for path in SOURCES:
        for name, _ in calls(ast.parse(path.read_text(encoding="utf-8"))):
            found.add((str(path.relative_to(ROOT)), name))
    assert found >= BY_OPTIONS.keys()
    assert ("suite/tables.py", "datasets.load_dataset") in found
    assert len(found) >= 10


def test_a_call_that_does_not_say_it_is_seen() -> None:
    for text in (
        "AutoModel.from_pretrained(folder)",
        "AutoModel.from_pretrained(folder, trust_remote_code=True)",
        "load_dataset(name, trust_remote_code=choice)",
    ):
        ((_, call),) = calls(ast.parse(text))
        assert not says_no(call)
