"""From a plan's attacked models to what a table says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.api.cells import Cell
from suite.api.finished import FINISHED
from suite.compare.robustness import read_found
from suite.compare.stage import in_every_run
from suite.config import attack_settings, split_attack
from suite.plan.cell import AttackPoint, Evaluated, PlannedCell
from suite.plan.graph import Plan
from suite.results.robustness import Robustness
from suite.results.schema import Comparison
from suite.stages.context import Context
from suite.store import Json, Stage, Store, jsonable, read_json


def with_robustness(
    context: Context, store: Store, plan: Plan, comparison: Comparison, finished: Collection[Cell]
) -> Comparison:
    """Add to a table what the attacks found; a method that lacks a seed is left out."""
    table = comparison.benchmark, comparison.split
    cells = [each for each in plan.cells if (each.cell.benchmark, each.cell.split) == table]
    unfinished = {each.cell.method for each in cells if each.cell not in finished}
    kept = [each for each in cells if each.attacked and each.cell.method not in unfinished]
    if not kept:
        return comparison
    stage = _stage(context, store, comparison, _rows(kept))
    found = read_found(read_json(store.ensure(stage) / "robustness.json"))
    robustness = Robustness(
        kept[0].attacked[0][1].utility,
        context.config.utility_loss,
        comparison.baseline,
        found,
        _settings(context, comparison),
    )
    return replace(comparison, robustness=robustness)


def _rows(cells: Sequence[PlannedCell]) -> dict[Cell, PlannedCell]:
    """Every run of a table; a finished model is the same in every run of the methods."""
    fixed = {each.cell: each for each in cells if each.family == FINISHED}
    drawn = {each.cell: each for each in cells if each.family != FINISHED}
    methods = [cell for cell, each in drawn.items() if each.family != "baseline"]
    return drawn | in_every_run(fixed, methods)


def _stage(
    context: Context, store: Store, comparison: Comparison, rows: Mapping[Cell, PlannedCell]
) -> Stage:
    """The stage that compares the attacked models; those that failed are not among its inputs."""
    attacks: list[Json] = []
    inputs: dict[str, Stage] = {}
    grouped = [_by_attack(planned) for planned in rows.values()]
    for number, (spec, points) in enumerate(grouped[0].items()):
        attacks.append(_described(spec, points))
        for row, of_cell in enumerate(grouped):
            for place, (each, _) in enumerate(of_cell[spec]):
                if store.has(each.score):
                    inputs[f"{number}/{place}/{row}"] = each.score
    content: dict[str, Json] = {
        "rows": [[cell.method, *cell.run] for cell in rows],
        "attacks": attacks,
        "baseline": comparison.baseline,
        "utility": next(iter(rows.values())).attacked[0][1].utility,
        "runs_are_drawn": comparison.runs_are_drawn,
    }
    label = f"what attacks found on {comparison.benchmark}"
    return context.stage("robustness", content, inputs, label=label)


def _described(spec: str, points: Sequence[tuple[Evaluated, AttackPoint]]) -> Json:
    """What an attack measures at which points, and whether it changes the model."""
    before, first = points[0]
    return {
        "attack": spec,
        "metric": first.metric,
        "points": [[point.variant, point.step] for _, point in points],
        "changes": any(each.model != before.model for each, _ in points),
    }


def _by_attack(planned: PlannedCell) -> dict[str, list[tuple[Evaluated, AttackPoint]]]:
    """Attack as in --attack -> its models, the first before the attack."""
    found: dict[str, list[tuple[Evaluated, AttackPoint]]] = {}
    for each, point in planned.attacked:
        found.setdefault(point.spec, []).append((each, point))
    return found


def _settings(context: Context, comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Attack as in --attack -> its settings, by the names that a user writes."""
    found = {}
    for spec in context.config.attack:
        own = attack_settings(
            context.config, context.registry, spec, comparison.benchmark, comparison.split
        )
        name, _ = split_attack(context.registry, spec)
        values = jsonable(own)
        assert isinstance(values, dict), "settings are a dataclass"
        found[spec] = {f"attack_{name}.{field}": value for field, value in values.items()}
    return found
