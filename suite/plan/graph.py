"""The plan of a run: its cells, and the graph of stages that ends in their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from suite.api.judge import Cost
from suite.plan.cell import PlannedCell
from suite.store import Stage, Store


@dataclass(frozen=True)
class Plan:
    """All cells of a run."""

    cells: tuple[PlannedCell, ...]
    left_out: tuple[str, ...] = ()
    """What was asked for and does not fit: a sentence for each method and benchmark."""

    def stages(self) -> list[Stage]:
        """Every stage once, inputs before what reads them."""
        ordered: dict[str, Stage] = {}
        for cell in self.cells:
            for each in cell.evaluated:
                _visit(each.score, ordered)
        return list(ordered.values())

    def missing(self, store: Store) -> list[Stage]:
        """The stages that a run would have to compute."""
        needed: dict[str, Stage] = {}
        for cell in self.cells:
            for each in cell.evaluated:
                _visit_missing(each.score, store, needed)
        return list(needed.values())

    def read_by_missing(self, store: Store) -> Iterator[tuple[Stage, str]]:
        """(stage, folder of it) of all that stages which are still missing will read."""
        for stage in self.missing(store):
            for name, read in stage.inputs.items():
                yield read, stage.reads.get(name, "")

    def judging(self, store: Store) -> dict[str, Cost]:
        """Benchmark -> what the verdicts that are still missing will cost, about."""
        lacking = [stage.key for stage in self.missing(store) if stage.kind == "judge"]
        costs: dict[str, Cost] = {}
        for cell in self.cells:
            name = cell.benchmark.name
            if cell.texts is None or cell.texts.judging is None or name in costs:
                continue
            own = self._judged(name)
            costs[name] = cell.texts.judging.forecast([key for key in lacking if key in own])
        return costs

    def _judged(self, bench: str) -> set[str]:
        """Keys of the stages that ask a benchmark's judge."""
        keys = set()
        for cell in self.cells:
            if cell.benchmark.name == bench:
                for each in cell.evaluated:
                    keys |= set(each.score.input_keys.values())
        return keys


def _visit(stage: Stage, ordered: dict[str, Stage]) -> None:
    if stage.key not in ordered:
        for needed in stage.inputs.values():
            _visit(needed, ordered)
        ordered[stage.key] = stage


def _visit_missing(stage: Stage, store: Store, needed: dict[str, Stage], part: str = "") -> None:
    """A finished stage needs nothing, whether its inputs are still there or not."""
    if stage.key not in needed and not store.has(stage, part):
        for name, read in stage.inputs.items():
            _visit_missing(read, store, needed, stage.reads.get(name, ""))
        needed[stage.key] = stage
