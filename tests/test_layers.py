"""Imports go one way: a folder of suite/ imports only from folders before it here, and no module is
in a circle.

Imports for types count too. `docs/design.md` shows the same folders, in the same order.
"""

from __future__ import annotations

import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

LAYERS = (
    "core",
    "ranges",
    "settings",
    "store",
    "tables",
    "metrics",
    "losses",
    "stats",
    "tiny",
    "api",
    "model",
    "results",
    "engines",
    "executors",
    "loggers",
    "hookspecs",
    "registry",
    "config",
    "stages",
    "train",
    "respond",
    "judges",
    "score",
    "plan",
    "compare",
    "report",
    "export",
    "run",
    "toolkit",
    "testing",
    "cli",
)
PUBLIC_MODULES = {"hookspecs", "metrics", "ranges", "settings", "tables"}
"""The only modules that lie beside the folders: plugins import them."""
ROOT = Path(__file__).parent.parent


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("suite", cache_dir=None)


def layer(module: str) -> str:
    """The folder (or public module) that a module lies in."""
    return module.split(".")[1]


def imports() -> list[tuple[str, str]]:
    """Every (module, imported module) of suite/, without those of the package `suite` itself, which
    hands out names."""
    pairs = []
    for module in sorted(graph().modules - {"suite"}):
        for imported in sorted(graph().find_modules_directly_imported_by(module) - {"suite"}):
            pairs.append((module, imported))
    return pairs


def test_a_folder_imports_only_from_those_before_it() -> None:
    order = {name: place for place, name in enumerate(LAYERS)}
    back_up = [
        f"{module} imports {imported}"
        for module, imported in imports()
        if order[layer(imported)] > order[layer(module)]
    ]
    assert back_up == []


def test_no_module_is_in_a_circle_of_imports() -> None:
    needs: dict[str, set[str]] = {}
    for module, imported in imports():
        needs.setdefault(module, set()).add(imported)
    TopologicalSorter(needs).prepare()  # CycleError names the circle


def test_every_folder_has_its_layer_and_no_other_module_lies_beside_them() -> None:
    folders = {path.parent.name for path in (ROOT / "suite").glob("*/__init__.py")}
    modules = {path.stem for path in (ROOT / "suite").glob("*.py")} - {"__init__"}
    assert modules == PUBLIC_MODULES
    assert folders | modules == set(LAYERS)


def test_the_design_page_shows_the_folders_in_this_order() -> None:
    page = (ROOT / "docs" / "design.md").read_text()
    shown = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", page, flags=re.MULTILINE)
    assert shown == list(LAYERS)
