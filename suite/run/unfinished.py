"""The table of what is finished, written while a run goes on: an interrupted run leaves it.

    unfinished = Unfinished(context, plan, store, out, command)
    unfinished.update(results)          after each cell; writes now and then
    unfinished.write(results)           before the run ends early

It holds the finished cells' numbers, says that it is unfinished, and is replaced at the end.
Methods are ranked and compared at the end only, for that takes time and leaves a stage in the
store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from suite.api.cells import CellResult
from suite.compare.tables import compared, comparisons
from suite.plan.graph import Plan
from suite.report import write as write_report
from suite.report.footnotes import UNFINISHED
from suite.results.schema import Results
from suite.run.provenance import describe_run
from suite.stages.context import Context
from suite.store import Store

PAUSE = 10.0
"""Seconds at least from one table to the next, and from the start to the first."""
SHARE = 0.02
"""Of a run's time, what these tables may take."""


@dataclass
class Unfinished:
    """Writes the table of a run's finished cells into the run's folder `out`."""

    context: Context
    plan: Plan
    store: Store
    out: Path
    command: str
    _next: float = field(default_factory=lambda: time.monotonic() + PAUSE)

    def update(self, results: Sequence[CellResult]) -> None:
        """Write the table, unless the last one was written a moment ago."""
        if time.monotonic() < self._next:
            return
        began = time.monotonic()
        self.write(results)
        spent = time.monotonic() - began
        self._next = began + max(PAUSE, spent / SHARE)

    def write(self, results: Sequence[CellResult]) -> None:
        """Write the table. What fails is said and stops nothing: the end of the run writes again.

        A whole table, which an earlier run has left in the folder, is worth more and stays.
        """
        if not results or len(results) == len(self.plan.cells) or self._whole_table():
            return
        try:
            write_report(self._so_far(results), self.out)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self.context.progress.say(f"the table of finished cells was not written: {reason}")

    def _whole_table(self) -> bool:
        path = self.out / "results.json"
        return path.exists() and UNFINISHED not in path.read_text(errors="replace")

    def _so_far(self, results: Sequence[CellResult]) -> Results:
        finished = {result.cell for result in results}
        cells = tuple(each for each in self.plan.cells if each.cell in finished)
        part = replace(self.plan, cells=cells)
        done = compared(part, results)
        note = f"{UNFINISHED}{len(cells)} of {len(self.plan.cells)} cells so far, not ranked."
        tables = []
        for table in comparisons(self.context, part, done, self.store):
            tables.append(replace(table, notes=(note, *table.notes)))
        run = replace(describe_run(self.context, self.command), notes=self.plan.left_out)
        return Results(run, tuple(tables), tuple(done))
