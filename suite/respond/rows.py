"""The stage `roles`: training rows that the benchmark makes of the start model's answers: <role>.jsonl."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suite.core.errors import UserError
from suite.stages.responses import read_responses
from suite.stages.rows import write_rows

if TYPE_CHECKING:
    from suite.api.benchmark import TextBenchmark
    from suite.api.data import BenchmarkData
    from suite.store import Build


def making(benchmark: TextBenchmark[Any], data: BenchmarkData) -> Callable[[Build], None]:
    """Make the rows of every sampled role: <role>.jsonl."""

    def build(build: Build) -> None:
        made = benchmark.sampled_rows(data, read_responses(build.inputs["responses"]))
        if missing := benchmark.sampled_roles - {role for role, rows in made.items() if rows}:
            raise UserError(
                f"benchmark {benchmark.name!r}: no rows of {', '.join(sorted(missing))} could be sampled"
            )
        for role, rows in made.items():
            write_rows(rows, build.out, role)

    return build
