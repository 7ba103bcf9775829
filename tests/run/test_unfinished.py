"""A run that ends early leaves a table of its finished cells, and the end replaces it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite.api.cells import CellResult
from suite.config import resolve
from suite.core.interrupt import Interrupted
from suite.registry import Registry
from suite.report.footnotes import UNFINISHED
from suite.run import pipeline, unfinished
from suite.run.cell import CellRunner
from suite.settings import RunConfig

PAGES = ("results.json", "leaderboard.json", "leaderboard.md", "leaderboard.html")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def config(registry: Registry, tmp_path: Path) -> RunConfig:
    flags = {"bench": "bandit", "methods": "dpo,ipo,psipo", "limit": None}
    flags |= {"store": str(tmp_path / "store"), "out": str(tmp_path / "out")}
    given = {name: value for name, value in flags.items() if value}
    small = ["bandit.steps=20", "bandit.runs=1", "bandit.taus=0.1"]
    return resolve(registry, None, given, small, {})


def pages(out: Path) -> dict[str, str]:
    return {name: (out / name).read_text() for name in PAGES}


def methods(out: Path) -> list[str]:
    cells = json.loads((out / "results.json").read_text())["cells"]
    return [cell["cell"]["method"] for cell in cells]


def interrupted_at(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    whole = CellRunner.cell

    def cell(self: CellRunner, planned: Any) -> Any:
        if planned.cell.method == method:
            raise Interrupted(15)
        return whole(self, planned)

    monkeypatch.setattr(CellRunner, "cell", cell)


def test_an_interrupted_run_leaves_its_finished_cells_and_the_end_replaces_them(
    config: RunConfig, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        interrupted_at(patched, "psipo")
        with pytest.raises(Interrupted):
            pipeline.run(config, registry)
    assert methods(out) == ["dpo", "ipo"]
    for page in pages(out).values():
        assert f"{UNFINISHED}2 of 3 cells" in page
    before = json.loads((out / "results.json").read_text())["cells"]
    pipeline.run(config, registry)
    assert methods(out) == ["dpo", "ipo", "psipo"]
    assert not any(UNFINISHED in page for page in pages(out).values())
    after = json.loads((out / "results.json").read_text())["cells"]
    for one, other in zip(before, after, strict=False):
        assert one["trajectory"] == other["trajectory"]


def test_a_whole_table_is_not_replaced_by_a_part(
    config: RunConfig, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.run(config, registry)
    whole = pages(tmp_path / "out")
    interrupted_at(monkeypatch, "ipo")
    with pytest.raises(Interrupted):
        pipeline.run(config, registry)
    assert pages(tmp_path / "out") == whole


def test_tables_are_written_now_and_then_and_cost_a_small_share(
    config: RunConfig, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    wrote: list[float] = []

    def write(self: unfinished.Unfinished, results: list[CellResult]) -> None:
        nonlocal now
        wrote.append(now)
        now += 1.0

    clock = SimpleNamespace(monotonic=lambda: now)  # the module of this name is everybody's
    monkeypatch.setattr(unfinished, "time", clock)
    monkeypatch.setattr(unfinished.Unfinished, "write", write)
    table = unfinished.Unfinished(*[None] * 4, "")  # type: ignore[arg-type]
    while now < 1000:
        now += 0.5
        table.update([])
    assert wrote[0] == unfinished.PAUSE
    assert len(wrote) <= 1 + 1000 * unfinished.SHARE


def test_a_table_that_cannot_be_made_stops_nothing(
    config: RunConfig, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(unfinished, "PAUSE", -1.0)
    monkeypatch.setattr(unfinished, "compared", fail)
    config = replace(config, methods=("dpo", "ipo"))
    assert pipeline.run(config, registry).exit_status == 0
    assert methods(tmp_path / "out") == ["dpo", "ipo"]
