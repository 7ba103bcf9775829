"""Every stage kind: a changed line in any module that its builder can reach changes the key.

What a builder can reach is asked of grimp, which knows nothing of `suite.store.closure`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from itertools import permutations
from pathlib import Path

import grimp
import pytest

from suite.store import Stage, closure

BUILDERS = {
    "base": "suite.stages.base_stage",
    "train": "suite.train.stage",
    "reference": "suite.train.reference_stage",
    "roles": "suite.respond.rows",
    "respond": "suite.respond.stage",
    "kl": "suite.respond.divergence",
    "judge": "suite.judges.asking",
    "score": "suite.score.stage",
    "measure (an experiment)": "suite.score.experiment_stage",
    "measure (a model)": "suite.score.measured_stage",
    "compare": "suite.compare.stage",
}
EXEMPT = {
    "suite": "hands out names; an import of it leads to where the name comes from",
    "suite.store": "likewise",
    "suite.stats": "likewise",
    "suite.toolkit": "likewise",
}
"""Packages that grimp counts as a whole. What their own code uses is counted all the same."""


@cache
def graph() -> grimp.ImportGraph:
    packages = ("suite", "suite_plugins", "suite_benchmarks")
    return grimp.build_graph(*packages, exclude_type_checking_imports=True, cache_dir=None)


def reachable(builder: str) -> set[str]:
    """Modules that the builder imports, directly or through others, and itself."""
    reached: set[str] = set()
    waiting = [builder]
    while waiting:
        module = waiting.pop()
        if module not in reached and module not in EXEMPT:
            reached.add(module)
            waiting += graph().find_modules_directly_imported_by(module)
    return {module for module in reached if has_code(module)}


def has_code(module: str) -> bool:
    path = closure.find(module)
    assert path is not None, module
    return not closure.read(path, module).empty


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Files that are read as if a line were added to them."""
    files: list[Path] = []
    original = Path.read_bytes

    def read(path: Path) -> bytes:
        return original(path) + (b"\nADDED = 1\n" if path in files else b"")

    monkeypatch.setattr(Path, "read_bytes", read)
    yield files
    closure.forget()


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_changed_line_in_any_module_that_the_builder_can_reach_changes_the_key(
    kind: str, edited: list[Path]
) -> None:
    builder = BUILDERS[kind]

    def key() -> str:
        closure.forget()
        return Stage("train", {}, code=(builder,)).key

    before = key()
    modules = reachable(builder)
    assert builder in modules
    assert len(modules) > 1
    for module in sorted(modules):
        path = closure.find(module)
        assert path is not None
        edited[:] = [path]
        assert key() != before, f"{module} is not in the key of {kind}"
    edited.clear()
    assert key() == before


@pytest.mark.parametrize("module", sorted({entry.value for entry in entry_points(group="suite")}))
def test_the_code_of_a_plugin_is_all_that_it_can_reach(module: str) -> None:
    """Installed packages may lie in folders of other names, and import their own modules
    relatively."""
    assert reachable(module) <= closure.closure(module).keys()


def test_no_stage_names_its_code_by_hand() -> None:
    """Only the context makes stages, and it gives each the code of its kind's builder."""
    makers = set()
    for path in (Path(__file__).parents[2] / "suite").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Stage":
                makers.add(path.name)
    assert makers == {"context.py"}


def test_an_engine_does_not_reach_the_others() -> None:
    """So an edit of one engine leaves the stored answers of the others valid."""
    modules = {
        "hf": "suite.engines.hf.engine",
        "vllm": "suite.engines.vllm.engine",
        "openai": "suite.engines.openai",
    }
    for own, other in permutations(modules.values(), 2):
        assert other not in closure.closure(own)


def test_engine_vllm_reaches_training_s_forward_pass_and_nothing_of_engine_hf() -> None:
    reached = closure.closure("suite.engines.vllm.engine")
    assert {
        "suite.model.logprobs",
        "suite.model.packing",
        "suite.engines.vllm.items",
    } <= reached.keys()
    assert not [module for module in reached if module.startswith("suite.engines.hf")]
