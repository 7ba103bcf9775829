"""What a run leaves behind: `<out>/results.json` and (`suite.samples`) the answers of each cell.

    {"schema_version": 1,
     "run": {"command": "suite run --methods npo --bench tofu", "engine": "hf", ...},
     "comparisons": [{"benchmark": "tofu", "split": "forget10", "model": "tiny", "primary": [...], ...}],
     "cells": [{"cell": {"method": "npo", "benchmark": "tofu", ...}, "status": "ok", "metrics": [...], ...}]}

Every number is finite, or null with the reason in its note. Wall-clock times stand only under `timings`, so
that everything else is equal when the same thing is run again.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from suite.benchmark import Basis, Metric
from suite.errors import CorruptError, UserError
from suite.evidence import Evidence
from suite.samples import read_text
from suite.store import atomic_write

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 1
"""Raised whenever an older reader would misread a file."""

Status = Literal["ok", "failed", "diverged"]


class _Closed:
    """A file with a field that is not declared here is refused, not half understood."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, order=True)
class Cell(_Closed):
    """One thing to compare: a method on a benchmark's split, from one model, with one seed."""

    method: str
    """Name of a method or of a start model, or a variant: "npo:beta=0.05"."""
    benchmark: str
    split: str
    model: str
    seed: int

    @property
    def table(self) -> tuple[str, str, str]:
        """The `Comparison.key` of the table that it is in."""
        return self.benchmark, self.split, self.model

    @property
    def slug(self) -> str:
        """A file name for the cell: readable, safe on every file system, and never the same for two cells."""
        names = (self.method, self.benchmark, self.split, self.model, f"seed{self.seed}")
        parts = [
            name.encode("utf-8", "replace").decode() for name in names
        ]  # as results.json keeps them
        plain = "__".join(parts)
        if all(re.fullmatch(r"[a-z0-9]([a-z0-9.=,-]|_(?!_)){0,40}(?<!_)", part) for part in parts):
            return plain
        short = "__".join(
            re.sub(r"[^a-z0-9.=,-]+", "-", part.lower()).strip("-.")[:40] for part in parts
        )
        return f"{short}__{hashlib.sha256(ascii(parts).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class CheckpointResult(_Closed):
    """The metrics of one checkpoint of a cell."""

    label: Literal["final", "best"]
    epoch: float
    step: int
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class TrajectoryPoint(_Closed):
    """The metrics after one epoch, by name."""

    epoch: float
    step: int
    metrics: dict[str, float | None]


@dataclass(frozen=True)
class Timing(_Closed):
    """What a stage cost."""

    seconds: float
    """Wall-clock seconds of the computation itself, also when it was found in the store."""
    cached: bool = False
    """Whether this run found it in the store."""
    cpu_seconds: float | None = None
    """Processor time, all threads."""
    gpu_seconds: float | None = None
    """Wall-clock time with an accelerator held; 0 on a CPU."""
    tokens: int | None = None
    """Trained on, prompts and repetitions included."""
    peak_bytes: int | None = None
    """Most memory held: the accelerator's where there is one, else the process's."""


@dataclass(frozen=True)
class CellResult(_Closed):
    """What became of a cell."""

    cell: Cell
    status: Status
    family: str
    """The method's family; "baseline" (target, retrain, ...): a row of the table that is not ranked."""
    metrics: tuple[Metric, ...] = ()
    """Of the final checkpoint."""
    best: CheckpointResult | None = None
    """The epoch that is best by the benchmark's `best_by`."""
    trajectory: tuple[TrajectoryPoint, ...] = ()
    partial: bool = False
    """Whether it was evaluated on a part of the questions (`--limit`)."""
    timings: dict[str, Timing] = field(default_factory=dict)
    """By stage: train, respond, score, ..."""
    environment: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Deviations from the published protocol, and whatever else a reader of the numbers must know."""
    error: str = ""
    """Why it is not ok."""


@dataclass(frozen=True)
class Comparison(_Closed):
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
    """Of all ranked methods together, for each seed."""
    basis: dict[str, Basis] = field(default_factory=dict)
    """What headline metrics are made of, so that merged runs can be compared item by item."""
    evidence: Evidence | None = None
    """How sure the ranks are; None where nothing could be compared item by item."""

    @property
    def key(self) -> tuple[str, str, str]:
        """(benchmark, split, model)."""
        return self.benchmark, self.split, self.model


@dataclass(frozen=True)
class Run(_Closed):
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


@dataclass(frozen=True)
class Results(_Closed):
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
    return _adapter().json_schema()


def dumps(results: Results) -> str:
    """Write `results` as ASCII JSON. Raises UserError naming cell and metric if a number is not finite."""
    for problem in _problems(results):
        raise UserError(problem)
    # Through the reader once: what is read back gives the same bytes (an int in a float's place would not).
    return _encoded(_adapter().validate_json(_encoded(results), strict=True))


def _encoded(results: Results) -> str:
    content = {"schema_version": results.schema_version, **asdict(results)}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    text = text.encode("utf-8", "replace").decode()  # lone surrogates are not JSON
    return re.sub(r"[^\x00-\x7e]", lambda match: json.dumps(match[0])[1:-1], text) + "\n"


def loads(text: str | bytes, where: str = "results.json") -> Results:
    """Read what `dumps` wrote. Raises CorruptError naming `where` and the field at fault."""
    from pydantic import ValidationError

    try:
        version = json.loads(text)["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(
            f"{where}: not a results file ({error.__class__.__name__}: {error})"
        ) from error
    if version != SCHEMA_VERSION:
        raise CorruptError(
            f"{where}: schema_version is {version}, but this program reads {SCHEMA_VERSION}"
        )
    try:
        results = _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field_path = ".".join(str(part) for part in first["loc"]) or "the file"
        raise CorruptError(f"{where}: {field_path}: {first['msg']}") from error
    for problem in _problems(results):
        raise CorruptError(f"{where}: {problem}")
    return results


def write(results: Results, path: Path) -> None:
    """Write results.json, atomically. Raises UserError, naming cell and metric, if a number is not finite."""
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
        name = f"{cell.method} on {cell.benchmark} {cell.split}, {cell.model}, seed {cell.seed}"
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
