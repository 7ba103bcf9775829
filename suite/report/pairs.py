"""Every pair of methods: by how much they differ, and whether that is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suite.report.numbers import number, p_value
from suite.report.table import Table
from suite.results.evidence import ALPHA, Difference

HEADERS = ("Metric", "Method", "Minus", "Difference", "p", "Holm's p", "Chance?")

LEAST = 1e-12
"""Smaller p-values are not told apart (`suite.stats.hierarchical.two_way_pvalue`)."""


@dataclass(frozen=True)
class Pair:
    """One difference as people read it."""

    metric: str
    method: str
    other: str
    difference: str
    bounds: str
    """Its 95 % interval, or why there is none."""
    pvalue: str
    adjusted: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands under `HEADERS`."""
        difference = f"{self.difference} {self.bounds}".rstrip()
        return (
            self.metric,
            self.method,
            self.other,
            difference,
            self.pvalue,
            self.adjusted,
            self.verdict,
        )


def pairs(table: Table) -> list[Pair]:
    """The family of comparisons, as Holm's correction takes it; of a p-value metric its KS distance D."""
    evidence = table.comparison.evidence
    if evidence is None:
        return []
    distances = {
        name
        for name in table.axes
        if any(r.values[name].log10_p is not None for r in table.rows if name in r.values)
    }
    return [_pair(known, known.metric in distances) for known in evidence.differences]


def _pair(known: Difference, is_distance: bool) -> Pair:
    least = known.pvalue is not None and known.pvalue <= LEAST
    bounded = known.ci_low is not None and known.ci_high is not None
    return Pair(
        f"{known.metric} (D)" if is_distance else known.metric,
        known.method,
        known.other,
        number(known.value, signed=True),
        f"[{number(known.ci_low, signed=True)}, {number(known.ci_high, signed=True)}]"
        if bounded
        else "",
        _p(known.pvalue, least),
        _p(known.adjusted, least),
        "not tested"
        if known.adjusted is None
        else "real"
        if known.adjusted < ALPHA
        else "may be chance",
    )


def _p(value: float | None, least: bool) -> str:
    if value is None:
        return "–"
    return f"{'<' if least else ''}{p_value(math.log10(value))}" if value > 0 else "0"
