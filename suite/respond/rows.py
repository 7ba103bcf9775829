"""The stage `roles`: training rows that the benchmark makes of the start model's answers:
<role>.jsonl."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite.api.benchmark import TextBenchmark
from suite.api.stages import builds
from suite.core.errors import UserError
from suite.stages.responses import read_responses
from suite.stages.rows import write_rows

if TYPE_CHECKING:
    from suite.stages.context import Context
    from suite.store import Build


@builds("roles")
def make_rows(build: Build, context: Context) -> None:
    """Write the rows of every role that the benchmark samples."""
    benchmark: TextBenchmark[Any] = context.benchmark(build.spec)
    data = context.materials[build.spec["data"]]
    made = benchmark.sampled_rows(data, read_responses(build.inputs["responses"]))
    filled = {role for role, rows in made.items() if rows}
    if missing := benchmark.sampled_roles - filled:
        names = ", ".join(sorted(missing))
        raise UserError(f"benchmark {benchmark.name!r}: no rows of {names} could be sampled")
    for role, rows in made.items():
        write_rows(rows, build.out, role)
