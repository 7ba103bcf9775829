"""The stage `measure` of an experiment: a method on a problem without a language model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suite.score.files import write_scores

if TYPE_CHECKING:
    from suite.api.benchmark import Experiment
    from suite.api.method import Method
    from suite.stages.context import Context
    from suite.store import Build


def measuring(
    context: Context, experiment: Experiment[Any], method: Method[Any], split: str, seed: int
) -> Callable[[Build], None]:
    """Run an experiment: items.jsonl, metrics.json, curve.json, and samples.jsonl without a line."""

    def build(build: Build) -> None:
        write_scores(
            experiment.measure(type(method)(method.config), split, seed, context.progress),
            build.out,
        )
        (build.out / "samples.jsonl").touch()

    return build
