"""What a run leaves behind: `<out>/results.json` and (`suite.results.samples`) the answers of each
cell.

    {"schema_version": 2,
     "run": {"command": "suite run --methods npo --bench tofu", "engine": "hf", ...},
     "comparisons": [{"benchmark": "tofu", "split": "forget10", "model": "tiny", ...}],
     "cells": [{"cell": {"method": "npo", "benchmark": "tofu", ...}, "status": "ok", ...}]}

To keep the file small, a metric lists only the fields that differ from their defaults, and a
trajectory is a table of columns (`suite.results.compact`). Every number is finite, or null with the
reason in its note. Wall-clock times stand only under `timings`, so that everything else is equal
when the same thing is run again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.cells import CellResult, Closed
from suite.api.scores import Basis, Metric
from suite.core.errors import CorruptError, UserError
from suite.results.compact import COURSE, compact, expanded
from suite.results.evidence import Evidence
from suite.results.outputs import Outputs
from suite.results.robustness import Robustness
from suite.results.samples import read_text
from suite.store import atomic_write

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 2
"""Raised whenever an older reader would misread a file, or could not read it."""
READABLE = (1, 2)
"""Versions that this program reads. In version 1 nothing is compact."""


@dataclass(frozen=True)
class Comparison(Closed):
    """Cells that may be compared with each other: one table of the report."""

    benchmark: str
    split: str
    model: str
    primary: tuple[str, ...]
    """The benchmark's headline metrics, most important first; the report ranks by them."""
    revision: str
    """Source and revision of the data."""
    baseline: str | None = None
    """The start model that scores are compared with, e.g. "retrain"."""
    baseline_key: str = ""
    """Store key of that model: the digest of everything it was made from."""
    best_by: str | None = None
    judge: str = ""
    notes: tuple[str, ...] = ()
    reference_point: dict[str, float] = field(default_factory=dict)
    """Two metrics and the fixed values that hypervolume counts from."""
    front_hypervolume: tuple[float, ...] = ()
    """Of all ranked methods together, for each seed; where there are several, the others choose the
    methods that count, see `suite.compare.hypervolume`."""
    basis: dict[str, Basis] = field(default_factory=dict)
    """What headline metrics are made of, so that merged runs can be compared item by item."""
    smallest_difference: dict[str, float] = field(default_factory=dict)
    """Headline metric -> the smallest difference of interest, as benchmark and user set it."""
    runs_are_drawn: bool = True
    """Whether another seed gives another model; see `Benchmark`."""
    compares_every_start: bool = False
    """Whether a cell is compared with the baseline models of all start seeds; see `Benchmark`."""
    evidence: Evidence | None = None
    """How sure the ranks are; None where nothing could be compared item by item."""
    outputs: Outputs | None = None
    """What the benchmark declares of pictures, columns and exports; None: an older file."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What decides data, start models and judge, by the names that a user writes:
    {"model": "tiny", "finetune.epochs": 12, "tofu.holdout": 4}. Empty in older files."""
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The same for each row: {"npo": {"npo.beta": 0.1, "train.lr": 1e-5}}."""
    sources: dict[str, str] = field(default_factory=dict)
    """"data", "model" -> digest of the content that was read under the setting of that name."""
    starts: dict[str, str] = field(default_factory=dict)
    """Start models that were not fine-tuned by the run: where each is from."""
    robustness: Robustness | None = None
    """What attacks found; None: there were none, and the file does not mention it."""

    @property
    def key(self) -> tuple[str, str, str]:
        """(benchmark, split, model)."""
        return self.benchmark, self.split, self.model


@dataclass(frozen=True)
class Run(Closed):
    """How the cells came about."""

    command: str
    """The command line that rebuilds the results."""
    engine: str
    dtype: str
    template: str
    device: str
    seeds: tuple[int, ...] = (0,)
    config: dict[str, Any] = field(default_factory=dict)
    """The resolved configuration."""
    versions: dict[str, str] = field(default_factory=dict)
    """Of Python and of the libraries that compute."""
    plugins: dict[str, str] = field(default_factory=dict)
    """Distribution -> version."""
    notes: tuple[str, ...] = ()
    start_seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Results(Closed):
    """The content of results.json."""

    run: Run
    comparisons: tuple[Comparison, ...]
    cells: tuple[CellResult, ...]
    schema_version: int = SCHEMA_VERSION


@cache
def _adapter() -> TypeAdapter[Results]:
    from pydantic import TypeAdapter

    return TypeAdapter(Results)


def json_schema() -> dict[str, Any]:
    """Describe results.json as a JSON schema."""
    schema = _adapter().json_schema()
    fields = schema["$defs"]["CellResult"]["properties"]
    fields["trajectory"] = {"anyOf": [fields["trajectory"], COURSE]}
    return schema


def dumps(results: Results) -> str:
    """Write `results` as ASCII JSON. Raises UserError naming cell and metric if a number is not
    finite."""
    for problem in _problems(results):
        raise UserError(problem)
    # Through the reader once: what is read back gives the same bytes (an int in a float's place
    # would not).
    return _encoded(loads(_encoded(results)))


def _encoded(results: Results) -> str:
    content = compact({**asdict(results), "schema_version": SCHEMA_VERSION})
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.encode("utf-8", "replace").decode()  # lone surrogates are not JSON
    return re.sub(r"[^\x00-\x7e]", lambda match: json.dumps(match[0])[1:-1], text) + "\n"


def loads(text: str | bytes, where: str = "results.json") -> Results:
    """Read what `dumps` wrote. Raises CorruptError naming `where` and the field at fault."""
    from pydantic import ValidationError

    try:
        content = json.loads(text)
        version = content["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            f"{where}: not a results file ({error.__class__.__name__}: {error})"
        ) from error
    if version not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise CorruptError(f"{where}: schema_version is {version}, but this program reads {known}")
    content["schema_version"] = SCHEMA_VERSION
    try:
        results = _adapter().validate_json(json.dumps(expanded(content)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field_path = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CorruptError(f"{where}: {field_path}: {first['msg']}") from error
    for problem in _problems(results):
        raise CorruptError(f"{where}: {problem}")
    return results


def write(results: Results, path: Path) -> None:
    """Write results.json, atomically. Raises UserError, naming cell and metric, if a number is not
    finite."""
    atomic_write(path, dumps(results))


def read(path: Path) -> Results:
    """Read results.json. Raises MissingError, or CorruptError naming the field at fault."""
    return loads(read_text(path), str(path))


def _problems(results: Results) -> Iterator[str]:
    """Yield what is wrong with `results` beyond the types of its fields."""
    keys = {comparison.key for comparison in results.comparisons}
    seen = set()
    for result in results.cells:
        cell = result.cell
        name = f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, {cell.shown_run}"
        if cell in seen:
            yield f"{name}: the cell is there twice"
        seen.add(cell)
        if cell.table not in keys:
            yield f"{name}: no comparison of that benchmark, split and model"
        if result.status != "ok" and not result.error:
            yield f"{name}: {result.status} without a reason in `error`"
        yield from (f"{name}: {problem}" for problem in _bad_numbers(result))


def _bad_numbers(result: CellResult) -> Iterator[str]:
    for label, metrics in _checkpoints(result):
        for metric in metrics:
            if metric.value is None and not metric.note:
                yield f"{label} metric {metric.name} is null without a reason in `note`"
            numbers = (metric.value, metric.ci_low, metric.ci_high)
            yield from _not_finite(f"{label} metric {metric.name}", numbers)
    for point in result.trajectory:
        for metric_name, value in point.metrics.items():
            yield from _not_finite(f"metric {metric_name} after epoch {point.epoch:g}", (value,))
    yield from _not_finite("a timing", [timing.seconds for timing in result.timings.values()])


def _checkpoints(result: CellResult) -> Iterator[tuple[str, Sequence[Metric]]]:
    yield "final", result.metrics
    if result.best is not None:
        yield "best", result.best.metrics


def _not_finite(name: str, values: Iterable[float | None]) -> Iterator[str]:
    yield from (
        f"{name} is {value}" for value in values if value is not None and not math.isfinite(value)
    )
