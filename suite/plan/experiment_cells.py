"""The cells of a benchmark that runs a method's loss on a problem of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.api.benchmark import Experiment
from suite.api.cells import Cell
from suite.api.phases import TRAINING
from suite.config import method_seeds
from suite.plan.cell import Evaluated, PlannedCell
from suite.plan.fitting import Fitting
from suite.plan.refusals import refuse_training_settings
from suite.stages.context import Context
from suite.store import Json, jsonable


def experiment_cells(
    context: Context, experiment: Experiment[Any], split: str, methods: Fitting
) -> Iterator[PlannedCell]:
    """One stage a cell; no language model takes part."""
    for spec, (method, _) in methods.items():
        refuse_training_settings(context, experiment, spec)
        for seed in method_seeds(context.config, context.registry, spec):
            source = context.registry.source_digest(type(method), method.modules)
            settings: dict[str, Json] = {
                "benchmark": experiment.name,
                "settings": jsonable(experiment.config),
                "source": context.source_digest(type(experiment)),
                "method": {
                    "method": method.name,
                    "settings": jsonable(method.config),
                    "source": source,
                },
                "split": split,
                "seed": seed,
            }
            stage = context.stage("experiment", settings, label=f"{experiment.name}: {spec}")
            cell = Cell(spec, experiment.name, split, "none", seed)
            evaluated = (Evaluated(TRAINING, 0, stage),)
            yield PlannedCell(cell, method.family, experiment, evaluated)
