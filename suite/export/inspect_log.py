"""The logs of inspect, which `inspect view` and `read_eval_log` read: <task>.eval for each cell.

A benchmark and its split make a task; an item makes a sample, with all its texts and scores. A
metric makes a score of the log, with `value` and, where there is an interval, `ci_low` and
`ci_high`. What has no value is left out: inspect knows no missing number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from suite.api.cells import CellResult
from suite.api.scores import Metric
from suite.core.errors import UserError
from suite.export.lm_eval import file_name
from suite.results.samples import Sample
from suite.results.schema import Results

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample, EvalScore

SCORER = "suite"
ID_LENGTH = 22
"""Characters of inspect's own identifiers."""


def check_installed() -> None:
    """Refuse this format where inspect is not installed."""
    if find_spec("inspect_ai") is None:
        raise UserError(
            "--format inspect: inspect is not installed: pip install 'suite-compare[inspect]'"
        )


def files(results: Results, cell: CellResult, samples: Sequence[Sample]) -> dict[str, bytes]:
    """Return the log of one cell, as inspect's own library writes it."""
    from inspect_ai.log import write_eval_log

    log = log_of(results, cell, samples)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.eval"
        write_eval_log(log, path)
        return {f"{file_name(log.eval.task)}.eval": path.read_bytes()}


def log_of(results: Results, cell: CellResult, samples: Sequence[Sample]) -> EvalLog:
    """What became of one cell, in inspect's classes."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSpec

    run, named = results.run, cell.cell
    model = f"{run.engine}/{named.model}"
    ids = _ids(samples)
    return EvalLog(
        status="success",
        eval=EvalSpec(
            eval_id=_identifier(run.command, named.slug),
            run_id=_identifier(run.command),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            task=f"{named.benchmark}_{named.split}",
            dataset=EvalDataset(name=named.benchmark, samples=len(samples), sample_ids=ids),
            model=model,
            config=EvalConfig(),
            packages=run.versions,
            tags=[named.method, cell.family],
            metadata={
                "method": named.method,
                "seed": named.seed,
                "start_seed": named.start_seed,
                "dtype": run.dtype,
                "command": run.command,
                "notes": list(cell.notes),
            },
        ),
        results=EvalResults(
            total_samples=len(samples),
            completed_samples=len(samples),
            scores=[_score(metric) for metric in cell.metrics if metric.value is not None],
        ),
        samples=[_sample(name, sample, model) for name, sample in zip(ids, samples, strict=True)],
    )


def _score(metric: Metric) -> EvalScore:
    from inspect_ai.log import EvalMetric, EvalScore

    numbers = {"value": metric.value, "ci_low": metric.ci_low, "ci_high": metric.ci_high}
    known = {name: value for name, value in numbers.items() if value is not None}
    return EvalScore(
        name=metric.name,
        scorer=SCORER,
        scored_samples=metric.n,
        metrics={name: EvalMetric(name=name, value=value) for name, value in known.items()},
        metadata={"higher_is_better": metric.higher_is_better, "note": metric.note},
    )


def _sample(name: str, sample: Sample, model: str) -> EvalSample:
    from inspect_ai.log import EvalSample
    from inspect_ai.model import ChatCompletionChoice, ChatMessageAssistant, ModelOutput
    from inspect_ai.scorer import Score

    texts = [_encodable(text) for text in sample.generations]
    messages = [ChatMessageAssistant(content=text, model=model) for text in texts]
    known: dict[str, float] = {}
    known |= {metric: value for metric, value in sample.scores.items() if value is not None}
    return EvalSample(
        id=name,
        epoch=1,
        input=_encodable(sample.prompt),
        target=_encodable(sample.reference),
        output=ModelOutput(
            model=model, choices=[ChatCompletionChoice(message=message) for message in messages]
        ),
        scores={metric: Score(value=value, answer=texts[0]) for metric, value in known.items()},
        metadata={"set": sample.set, "cluster_id": sample.cluster_id},
    )


def _ids(samples: Sequence[Sample]) -> list[str]:
    """The items' names; where two sets share one, with the set before it."""
    counts = Counter(sample.item_id for sample in samples)
    return [
        sample.item_id if counts[sample.item_id] == 1 else f"{sample.set}:{sample.item_id}"
        for sample in samples
    ]


def _identifier(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:ID_LENGTH]


def _encodable(text: str) -> str:
    """A lone surrogate is no JSON."""
    return text.encode("utf-8", "replace").decode()
