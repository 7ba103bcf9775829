"""Numbers of a published page, read from its results.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from suite.api.cells import CellResult
from suite.api.scores import Metric
from suite.results import schema
from suite.results.evidence import Difference, Standing
from suite.results.schema import Results

REPORTS = Path(__file__).parent.parent.parent / "reports"


@dataclass(frozen=True)
class Page:
    """One results.json."""

    results: Results

    @classmethod
    def read(cls, name: str) -> Page:
        """Read reports/<name>/results.json."""
        return cls(schema.read(REPORTS / name / "results.json"))

    def cells(self, method: str, split: str | None = None) -> list[CellResult]:
        """The finished runs of a method, over start seeds and seeds."""
        found = []
        for result in self.results.cells:
            cell = result.cell
            if cell.method == method and split in (None, cell.split) and result.status == "ok":
                found.append(result)
        assert found, f"no finished run of {method}"
        return found

    def methods(self) -> list[str]:
        """Every method of the tables, without the start models."""
        methods = [cell.cell.method for cell in self.results.cells if cell.family != "baseline"]
        return list(dict.fromkeys(methods))

    def each(self, method: str, metric: str, split: str | None = None) -> list[float]:
        """A metric at the end of each run."""
        return [value_of(cell.metrics, metric) for cell in self.cells(method, split)]

    def mean(self, method: str, metric: str, split: str | None = None) -> float:
        """The mean over runs."""
        return fmean(self.each(method, metric, split))

    def standing(self, method: str, metric: str) -> Standing:
        """Value, limits and ranks of a method on a headline metric."""
        evidence = self.results.comparisons[0].evidence
        assert evidence is not None
        found = [s for s in evidence.standings if (s.method, s.metric) == (method, metric)]
        return found[0]

    def from_baseline(self, method: str, metric: str, split: str | None = None) -> Difference:
        """A row minus the baseline model."""
        for comparison in self.results.comparisons:
            if split in (None, comparison.split) and comparison.evidence is not None:
                for difference in comparison.evidence.to_baseline:
                    if (difference.method, difference.metric) == (method, metric):
                        return difference
        raise KeyError(f"{method}, {metric}")

    def real(self, method: str, other: str) -> bool:
        """Whether the tests part two methods."""
        evidence = self.results.comparisons[0].evidence
        assert evidence is not None
        return evidence.real(method, other)


def value_of(metrics: tuple[Metric, ...], name: str) -> float:
    """The value of a metric."""
    for metric in metrics:
        if metric.name == name:
            assert metric.value is not None, f"{name}: {metric.note}"
            return metric.value
    raise KeyError(f"{name}; there are {[metric.name for metric in metrics]}")
