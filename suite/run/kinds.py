"""The kinds of stages that this program computes; plugins add theirs."""

from __future__ import annotations

from suite.api.stages import StageKind
from suite.compare.robustness import compare_attacked
from suite.compare.stage import compare_cells
from suite.core.errors import UserError
from suite.core.progress import Progress, Silent
from suite.judges.asking import judge_answers
from suite.registry import Registry
from suite.respond.divergence import measure_divergence
from suite.respond.rows import make_rows
from suite.respond.stage import answer
from suite.run.shards import compute_in_shards
from suite.score.experiment_stage import run_experiment
from suite.score.measured_stage import measure_model
from suite.score.stage import score_answers
from suite.settings import RunConfig
from suite.stages.base_stage import make_base
from suite.stages.context import Context
from suite.train.reference_stage import score_rows
from suite.train.stage import train_model

BUILT_IN: tuple[StageKind, ...] = (
    make_base,
    train_model,
    score_rows,
    make_rows,
    answer,
    measure_divergence,
    judge_answers,
    score_answers,
    run_experiment,
    measure_model,
    compare_cells,
    compare_attacked,
)


def kinds_of(registry: Registry) -> dict[str, StageKind]:
    """Name -> kind, of this program and of its plugins. UserError: a plugin takes a name of this
    program."""
    kinds = {kind.name: kind for kind in BUILT_IN}
    for kind in registry.stage_kinds():
        if kind.name in kinds:
            owner = registry.plugin_of(kind)
            raise UserError(f"{owner}: the kind of stage {kind.name!r} exists already; rename it")
        kinds[kind.name] = kind
    return kinds


def open_context(
    config: RunConfig, registry: Registry, progress: Progress | None = None
) -> Context:
    """What the stages of a run share, with every kind of stage."""
    kinds = kinds_of(registry)
    return Context(config, registry, progress or Silent(), kinds, compute_in_shards)
