"""The stage `measure` of a finished model, by a benchmark that trains none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suite.api.measured import ModelFolder
from suite.score.files import write_scores
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.api.measured import ModelBenchmark
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.store import Build


def measuring(
    context: Context, benchmark: ModelBenchmark[Any], model: Model, label: str
) -> Callable[[Build], None]:
    """Measure the model in the stage `model`: scores, samples.jsonl, and the tool's own log."""

    def build(build: Build) -> None:
        folder = model.folder(build.inputs["model"])
        config = context.config
        engine = config.engine, context.engine.config
        asked = ModelFolder(
            folder, context.device, context.dtype, *engine, config.limit, context.progress, label
        )
        measured = benchmark.measure(asked, build.out)
        write_scores(measured.scores, build.out)
        with JsonlWriter(build.out / "samples.jsonl") as log:
            for sample in measured.samples:
                log.append(sample)

    return build
