"""Numbers of a published page, read from its results.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

REPORTS = Path(__file__).parent.parent.parent / "reports"


@dataclass(frozen=True)
class Page:
    """One results.json."""

    results: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> Page:
        """Read reports/<name>/results.json."""
        return cls(json.loads((REPORTS / name / "results.json").read_text()))

    @property
    def run(self) -> dict[str, Any]:
        """How the cells came about."""
        run: dict[str, Any] = self.results["run"]
        return run

    def cells(self, method: str, split: str | None = None) -> list[dict[str, Any]]:
        """The finished runs of a method, over start seeds and seeds."""
        found = []
        for cell in self.results["cells"]:
            of = cell["cell"]
            if of["method"] == method and split in (None, of["split"]) and cell["status"] == "ok":
                found.append(cell)
        assert found, f"no finished run of {method}"
        return found

    def methods(self) -> list[str]:
        """Every method of the table, without the start models."""
        found = {cell["cell"]["method"]: None for cell in self.results["cells"]}
        return [name for name in found if name not in ("target", "retrain", "reference")]

    def each(self, method: str, metric: str, split: str | None = None) -> list[float]:
        """A metric at the end of each run."""
        return [_value(cell["metrics"], metric) for cell in self.cells(method, split)]

    def mean(self, method: str, metric: str, split: str | None = None) -> float:
        """The mean over runs."""
        return fmean(self.each(method, metric, split))

    def path(self, method: str, metric: str) -> list[float]:
        """A metric after each epoch of the first run."""
        return [_value(point["metrics"], metric) for point in self.cells(method)[0]["trajectory"]]

    def interval(self, method: str, metric: str) -> tuple[float, float]:
        """The interval of a method's value of a headline metric."""
        for comparison in self.results["comparisons"]:
            for standing in comparison["evidence"]["standings"]:
                if (standing["metric"], standing["method"]) == (metric, method):
                    return standing["ci_low"], standing["ci_high"]
        raise KeyError(f"{method}, {metric}")

    def to_baseline(self, method: str, metric: str, split: str | None = None) -> dict[str, Any]:
        """How a method differs from the baseline: value, ci_low, ci_high, pvalue."""
        for comparison in self.results["comparisons"]:
            if split not in (None, comparison["split"]):
                continue
            for difference in comparison["evidence"]["to_baseline"]:
                if (difference["metric"], difference["method"]) == (metric, method):
                    found: dict[str, Any] = difference
                    return found
        raise KeyError(f"{method}, {metric}")

    def ranks(self, method: str) -> tuple[int, int]:
        """The ranks that the evidence leaves to a method."""
        overall = self.results["comparisons"][0]["evidence"]["overall"][method]
        return overall["rank_low"], overall["rank_high"]


def _value(metrics: list[dict[str, Any]], name: str) -> float:
    for metric in metrics:
        if metric["name"] == name:
            assert metric["value"] is not None, f"{name}: {metric['note']}"
            return float(metric["value"])
    raise KeyError(f"{name}; there are {[metric['name'] for metric in metrics]}")
