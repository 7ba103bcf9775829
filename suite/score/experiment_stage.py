"""The stage `experiment`: a method on a problem without a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite.api.benchmark import Experiment
from suite.api.stages import builds
from suite.score.checks import checked
from suite.score.files import write_scores

if TYPE_CHECKING:
    from suite.stages.context import Context
    from suite.store import Build


@builds("experiment")
def run_experiment(build: Build, context: Context) -> None:
    """Run an experiment: items.jsonl, metrics.json, curve.json, and samples.jsonl without a
    line."""
    spec = build.spec
    experiment: Experiment[Any] = context.benchmark(spec)
    method = context.method(spec["method"])
    scores = experiment.measure(method, spec["split"], spec["seed"], context.progress)
    write_scores(checked(experiment, scores), build.out)
    (build.out / "samples.jsonl").touch()
