"""Reading the results of a run for `suite report` and `suite export`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.cli.streams import say
from suite.core.errors import UserError

if TYPE_CHECKING:
    from suite.registry import Registry
    from suite.results.schema import Comparison, Results


def read_results(run: Path) -> Results:
    """Read a run's results.json.

    A file that is older than declared pictures, or than the sentences that say what the headline
    metrics are, gets those of the installed benchmarks; plugins are imported for nothing else.
    """
    from suite.results import schema

    results = schema.read(run / "results.json")
    if all(_is_told(table) for table in results.comparisons):
        return results
    from suite.cli.installed import registry_of

    registry = registry_of(())
    tables = [_complete(table, registry, run) for table in results.comparisons]
    return replace(results, comparisons=tuple(tables))


def _is_told(table: Comparison) -> bool:
    """Whether the file says what the report draws, and what the headline metrics are."""
    return table.outputs is not None and table.outputs.tells(table.primary)


def _complete(table: Comparison, registry: Registry, run: Path) -> Comparison:
    """Add what the installed benchmark declares; say so if it is not installed."""
    from suite.config import split_bench
    from suite.registry.outputs import outputs_of

    if _is_told(table):
        return table
    try:
        benchmark, _ = split_bench(registry, table.benchmark)
    except UserError as error:
        if table.outputs is not None:
            return table
        say(f"{run}: only pictures that suit any benchmark are drawn: {error}", err=True)
        return table
    return replace(table, outputs=outputs_of(benchmark))
