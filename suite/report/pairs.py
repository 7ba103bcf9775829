"""Every pair of methods: how much they differ, and whether the difference may be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suite.report.numbers import number, p_value
from suite.report.table import Table
from suite.results.evidence import ALPHA, Difference

HEADERS = ("Metric", "Method", "Minus", "Difference", "p", "corrected p", "Chance?")

LEAST = 1e-12
"""Smaller p-values are shown as "<" this (see `suite.stats.crossed`)."""


@dataclass(frozen=True)
class Pair:
    """One difference as people read it."""

    metric: str
    method: str
    other: str
    difference: str
    bounds: str
    """Its 95 % interval; "" if there is none."""
    pvalue: str
    adjusted: str
    verdict: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts below `HEADERS`."""
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
    """List the comparisons that are corrected together.

    For a metric that is a p-value, the difference is that of its KS distance D.
    """
    evidence = table.comparison.evidence
    if evidence is None:
        return []
    found = []
    for difference in evidence.differences:
        metric = difference.metric
        if metric in table.axes and table.is_p_value(metric):
            metric = f"{metric} (D)"
        found.append(_show_pair(difference, metric, evidence.claims))
    return found


def _show_pair(known: Difference, metric: str, claims: bool) -> Pair:
    bounds = ""
    if known.ci_low is not None and known.ci_high is not None:
        bounds = f"[{number(known.ci_low, signed=True)}, {number(known.ci_high, signed=True)}]"
    # The corrected p is a multiple of p: where p is only a bound, it is one too.
    is_bound = known.pvalue is not None and known.pvalue <= LEAST
    return Pair(
        metric,
        known.method,
        known.other,
        number(known.value, signed=True),
        bounds,
        _show_p(known.pvalue, is_bound),
        _show_p(known.adjusted, is_bound),
        _judge(known.adjusted, claims),
    )


def _show_p(value: float | None, is_bound: bool) -> str:
    if value is None:
        return "–"
    if value <= 0:
        return "0"
    sign = "<" if is_bound else ""
    return f"{sign}{p_value(math.log10(value))}"


def _judge(adjusted: float | None, claims: bool) -> str:
    if adjusted is None:
        return "not tested"
    if adjusted >= ALPHA:
        return "may be chance"
    return "real" if claims else "real for this run"
