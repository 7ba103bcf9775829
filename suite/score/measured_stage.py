"""The stage `measure` of a finished model, by a benchmark that trains none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suite.api.measured import ModelFolder
from suite.score.files import write_scores
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.api.measured import ModelBenchmark
    from suite.stages.context import Lab
    from suite.stages.handles import Model
    from suite.store import Build


def measuring(
    lab: Lab, benchmark: ModelBenchmark[Any], model: Model, label: str
) -> Callable[[Build], None]:
    """Measure the model in the stage `model`: scores, samples.jsonl, and the tool's own log."""

    def build(build: Build) -> None:
        folder = model.folder(build.inputs["model"])
        config = lab.config
        engine = config.engine, lab.engine.config
        asked = ModelFolder(
            folder, lab.device, lab.dtype, *engine, config.limit, lab.progress, label
        )
        measured = benchmark.measure(asked, build.out)
        write_scores(measured.scores, build.out)
        with JsonlWriter(build.out / "samples.jsonl") as log:
            for sample in measured.samples:
                log.append(sample)

    return build
