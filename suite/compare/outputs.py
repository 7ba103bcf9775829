"""What benchmarks declare of pictures, columns and exports: for results, and for older files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from suite.api.benchmark import Benchmark
from suite.config import split_bench
from suite.core.errors import UserError
from suite.registry import Registry
from suite.results.outputs import Outputs
from suite.results.schema import Comparison, Results


def outputs_of(benchmark: Benchmark[Any] | type[Benchmark[Any]]) -> Outputs:
    """Collect what a benchmark declares."""
    return Outputs(benchmark.pictures, benchmark.columns, benchmark.exports)


def complete(results: Results, registry: Registry) -> tuple[Results, list[str]]:
    """Add to an older file what the installed benchmarks declare.

    Returns the results, and a sentence for each benchmark that is not installed.
    """
    tables, missing = [], []
    for table in results.comparisons:
        if table.outputs is None:
            try:
                table = _complete_table(table, registry)
            except UserError as error:
                missing.append(f"only general pictures of {table.benchmark}: {error}")
        tables.append(table)
    return replace(results, comparisons=tuple(tables)), missing


def _complete_table(table: Comparison, registry: Registry) -> Comparison:
    benchmark, _ = split_bench(registry, table.benchmark)
    return replace(table, outputs=outputs_of(benchmark))
