"""What a benchmark declares of what is made of its results; results.json keeps it for each table.

"outputs": {
    "pictures": [{"x": "kl", "y": "reward", "kind": "frontier", ...}, ...],
    "columns": [{"metric": "forget_quality_D", "title": "D", "below": "forget_quality", ...}],
    "exports": [{"prefix": "TOFU", "tables": [...], "format": "open-unlearning"}]
}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.api.cells import Closed
from suite.api.exports import Export
from suite.api.pictures import GENERAL, MetricColumn, Picture


@dataclass(frozen=True)
class Outputs(Closed):
    """Pictures, columns and export formats of one table."""

    pictures: tuple[Picture, ...] = GENERAL
    """In the order of the page."""
    columns: tuple[MetricColumn, ...] = ()
    exports: tuple[Export, ...] = ()

    def tells(self, headlines: Sequence[str]) -> bool:
        """Say whether a sentence is declared for any of these metrics."""
        return any(each.help for each in self.columns if each.metric in headlines)

    def column(self, metric: str) -> MetricColumn | None:
        """Return what is declared of the column of a metric."""
        return next((each for each in self.columns if each.metric == metric), None)
