"""p of a difference over several runs that also holds far out in the tail, where Holm reads it.

    p = max( t test over the means of start models,     if there are two or more
             t test over the means of seeds,            if there are two or more
             test over clusters,                        exchange of answers, given these runs
             crossed analysis of variance )             `suite.stats.crossed`

No one of them is enough. With two seeds the crossed analysis can take their variance for nothing by
chance: its share of null p-values below 1.8e-4 is up to .05. The t test over runs leaves out the
clusters, the test over clusters the runs. A difference counts only if all agree (Berger 1982,
"intersection-union test").

A smallest difference of interest m shifts every test: the null hypothesis is |difference| <= m
(Hodges & Lehmann 1954), tested as |value| - m against 0, two-sided, which errs on the careful side.
"""

from __future__ import annotations

from suite.stats.arrays import Array
from suite.stats.crossed import SMALLEST_P, crossed_pvalue

ROUNDING = 1e-9
"""Runs that differ by less than this share of the value differ by rounding."""


def runs_pvalue(by_run: Array, least: float = 0.0) -> float | None:
    """The larger p of the t tests over start models and over seeds of a difference (A, S).

    None with one run, whose spread over runs is unknown.
    """
    found = [
        axis_pvalue(by_run.mean(axis=1 - axis), least) for axis in (0, 1) if by_run.shape[axis] > 1
    ]
    return max(found) if found else None


def axis_pvalue(means: Array, least: float = 0.0) -> float:
    """p of the t test that the mean of (k,) independent numbers is at most `least` from 0."""
    from scipy.stats import t

    value = float(means.mean())
    beyond = abs(value) - least
    if beyond <= 0:
        return 1.0
    # Runs that are all the same to the last digits would otherwise prove anything.
    se = max(float(means.std(ddof=1)) / len(means) ** 0.5, ROUNDING * abs(value))
    return max(SMALLEST_P, float(2 * t.sf(beyond / se, len(means) - 1)))


def over_runs(
    value: float, by_run: Array, deviations: Array | None = None, least: float = 0.0
) -> float | None:
    """p of a difference for new runs: t tests over runs and, with `deviations`, crossed analysis.

    value: the mean of by_run (A, S). deviations: (A, S, C), or None for a number that is no smooth
    function of means (a KS distance). None with one run. The test over clusters stands apart: it is
    corrected in a way of its own.
    """
    p = runs_pvalue(by_run, least)
    if p is None or deviations is None:
        return p
    return max(p, crossed_pvalue(max(abs(value) - least, 0.0), deviations))
