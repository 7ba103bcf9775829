"""Models of one architecture with random weights, and plans of runs that are handed them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.config import resolve
from suite.model import folder as models
from suite.plan.graph import Plan
from suite.registry import Registry
from suite.run import pipeline
from suite.tiny.model import initial_model
from suite.tiny.tokenizer import build
from tests.run.conftest import write_tables

Planned = Callable[..., Plan]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Models of one architecture with different weights, and the data."""
    root = tmp_path_factory.mktemp("models")
    tokenizer = build()
    for seed, name in enumerate(("target", "retrain", "other")):
        models.save_model(initial_model(tokenizer, seed), tokenizer, root / name)
    write_tables(root / "data")
    return {path.name: str(path) for path in root.iterdir()}


@pytest.fixture
def planned(registry: Registry, folders: dict[str, str], tmp_path: Path) -> Planned:
    def plan(methods: str, *start: str, **flags: Any) -> Plan:
        given = {
            "bench": "tofu",
            "methods": methods,
            "data": folders["data"],
            "start": start,
            "store": str(tmp_path / "store"),
            **flags,
        }
        return pipeline.plan(resolve(registry, None, given, [], {}), registry)[0]

    return plan


def ready(folders: dict[str, str], *names: str) -> list[str]:
    return [f"{name}={folders[name]}" for name in names]
