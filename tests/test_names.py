"""No module of suite/ names a built-in method or benchmark, or a metric that a benchmark brings.

Pictures, columns and exports are declared by benchmarks, roles by methods. What is looked at are
the texts in the code. Docstrings may hold examples, since they decide nothing, and `__all__` lists
losses, which have the names of methods.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from suite.registry import Registry
from suite.registry.outputs import outputs_of

ROOT = Path(__file__).parent.parent
WORDS = frozenset({"distance", "finished", "hypervolume", "kl", "reward", "score", "tokens"})
"""Metrics whose names are words of the host too: kinds of stages, files, costs, plain English."""
PLAIN = frozenset({"model", "forget"})
"""Names that are words of the host: a model, and the training role of what is to be forgotten."""
EXCEPTIONS = {
    "suite/settings.py": ({"ga", "npo", "tofu"}, "what `suite run` does if nothing is asked for"),
    "suite/cli/options.py": ({"npo"}, "an example in the help of --set"),
    "suite/config/layers.py": ({"npo"}, "an example in the message on a malformed --set"),
    "suite/judges/alpaca_eval.py": ({"win_rate"}, "a column of AlpacaEval's own file"),
    "suite/losses/psi.py": ({"preferences"}, "plain English"),
    "suite/stats/length_control.py": ({"preferences"}, "an argument, and plain English"),
}
"""File -> the names that it holds, and why. The list may only shrink."""


@cache
def plugin_names() -> frozenset[str]:
    """Built-in methods and benchmarks."""
    registry = Registry.load()
    classes: list[Any] = [*registry.methods(), *registry.benchmarks()]
    return frozenset(cls.name for cls in classes) - PLAIN


@cache
def metric_names() -> frozenset[str]:
    """Metrics that benchmarks declare, and those of all published results."""
    found: set[str] = set()
    for cls in Registry.load().benchmarks():
        found |= {*cls.primary, *cls.basis, *cls.reference_point}
        for column in cls.columns:
            found.add(column.metric)
        for picture in cls.pictures:
            found |= metrics_of(asdict(picture))
        for export in outputs_of(cls).exports:
            found |= {*export.aggregates, *(table.metric for table in export.tables)}
    for path in (ROOT / "reports").glob("*/results.json"):
        for cell in json.loads(path.read_text())["cells"]:
            found |= {metric["name"] for metric in cell["metrics"]}
    return frozenset(found - {""} - WORDS)


def metrics_of(picture: dict[str, Any]) -> set[str]:
    """The metrics that a picture draws."""
    named = {picture.get(field, "") for field in ("x", "y", "metric")}
    return {*named, *picture.get("metrics", ()), *picture.get("bars", {}).values()}


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts of a module without its docstrings and `__all__`."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if is_all or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            left_out |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in left_out or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            yield node.value


def named_in(source: str) -> set[str]:
    """Built-in names, as whole words, and metrics of benchmarks, in the texts of a module."""
    names = plugin_names() | metric_names()
    found: set[str] = set()
    for text in texts(ast.parse(source)):
        found |= names & {text, *re.findall(r"\w+", text)}
    return found


def test_the_host_knows_no_plugin_and_no_metric_by_name() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "suite").rglob("*.py")):
        named = named_in(path.read_text())
        if named:
            found[str(path.relative_to(ROOT))] = named
    assert found == {file: names for file, (names, _) in EXCEPTIONS.items()}


def test_the_search_finds_what_it_should() -> None:
    assert {"npo", "tofu", "edit_distance"} <= plugin_names()
    assert {"forget_quality", "displaced_low", "log_truth_ratio", "D1/tau=1/a"} <= metric_names()
    source = '"""Of tofu."""\nif name == "dpo": values["model_utility"], f"--bench tofu,{x}"'
    assert named_in(source) == {"dpo", "model_utility", "tofu"}
    assert named_in('__all__ = ["npo"]\nx = 1\n"""As npo does."""') == set()
