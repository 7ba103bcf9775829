"""What stages of a run share, and what not: each has a method and a benchmark of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suite.api.method import Method
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.settings import RunConfig
from suite.stages.context import Context
from suite.store import jsonable


@pytest.fixture
def context(tmp_path: Path) -> Context:
    config = RunConfig(methods=("npo",), store=str(tmp_path / "store"))
    return open_context(config, Registry.load())


def test_each_stage_has_a_method_of_its_own(context: Context) -> None:
    """A method may keep what it likes between steps; no other stage sees it."""
    spec: dict[str, Any] = {"method": "npo", "settings": {"beta": 0.5}}
    first, second = context.method(spec), context.method(spec)
    assert isinstance(first, Method) and type(first) is type(second)
    assert first is not second and first.config == second.config
    first.seen = 1  # type: ignore[attr-defined]
    assert not hasattr(second, "seen") and not hasattr(context.method(spec), "seen")


def test_each_stage_has_a_benchmark_of_its_own(context: Context) -> None:
    settings = jsonable(Registry.load().benchmark("tofu").Config())
    spec: dict[str, Any] = {"benchmark": "tofu", "settings": settings}
    first, second = context.benchmark(spec), context.benchmark(spec)
    assert first is not second and first.config == second.config
