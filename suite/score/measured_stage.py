"""The stage `measure`: a finished model, measured by a benchmark that trains none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite.api.measured import Measured, ModelBenchmark, ModelFolder
from suite.api.stages import builds
from suite.score.checks import checked, wrong
from suite.score.files import write_scores
from suite.stages.handles import folder_of
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.stages.context import Context
    from suite.store import Build


@builds("measure")
def measure_model(build: Build, context: Context) -> None:
    """Measure the model in the input `model`: scores, samples.jsonl, and the tool's own log."""
    spec = build.spec
    benchmark: ModelBenchmark[Any] = context.benchmark({**spec, **build.resources})
    model = ModelFolder(
        folder=folder_of(build.inputs["model"], spec["epoch"]),
        device=context.device,
        dtype=spec["dtype"],
        engine=context.engine_name,
        settings=context.engine.config,
        limit=spec["limit"],
        progress=context.progress,
        label=str(build.stage),
    )
    measured = benchmark.measure(model, build.out)
    if not isinstance(measured, Measured):
        raise wrong(benchmark, f"measure must return a Measured, not {measured!r:.80}")
    write_scores(checked(benchmark, measured.scores), build.out)
    with JsonlWriter(build.out / "samples.jsonl") as log:
        for sample in measured.samples:
            log.append(sample)
