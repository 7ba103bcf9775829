"""Reading the results of a run for `suite report` and `suite export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from suite.results.schema import Results


def read_results(run: Path) -> Results:
    """Read a run's results.json.

    A file that was written before results named their pictures gets those of the installed
    benchmarks; plugins are imported for nothing else.
    """
    from suite.results import schema

    results = schema.read(run / "results.json")
    if all(table.outputs is not None for table in results.comparisons):
        return results
    from suite.cli.installed import registry_of
    from suite.compare.outputs import complete

    completed, missing = complete(results, registry_of(()))
    for sentence in dict.fromkeys(missing):
        click.echo(f"{run}: {sentence}", err=True)
    return completed
