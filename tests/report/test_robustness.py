"""The table of what attacks found: worst cases, what does not count, and what it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suite.report.outcome import describe_outcome
from suite.report.robustness import HEADERS, leaking, lines, sentences, share
from suite.report.table import Table, tables
from suite.results.robustness import Found, Robustness
from suite.results.schema import Results


def found(method: str, attack: str, step: int | None, excess: float | None, **more: Any) -> Found:
    low, high = (None, None) if excess is None else (excess - 0.05, excess + 0.05)
    given = {"before": 0.1, "value": 0.3, "cost": 0.02, "ci_low": 0.2, "ci_high": 0.4, **more}
    variant = "lr=1e-05" if step else ""
    return Found(
        attack, variant, step, method, "forget_answer_probability", excess=excess,
        excess_low=low, excess_high=high, **given,
    )  # fmt: skip


FINDINGS = (
    *(found(method, "relearn", 0, 0.0, value=0.1) for method in ("npo", "ga", "retrain")),
    found("npo", "relearn", 5, 0.08),
    found("npo", "relearn", 10, 0.2),
    found("npo", "relearn", 15, 0.6, cost=0.5),
    found("ga", "relearn", 10, -0.1, cost=-0.3),
    found("retrain", "relearn", 10, 0.0),
    found("npo", "sample", None, 0.01),
    found("ga", "sample", None, None, value=None, note="the attack failed"),
    found("retrain", "sample", None, 0.0),
)


def attacked(results: Results, *findings: Found, baseline: str | None = "retrain") -> Table:
    (comparison,) = results.comparisons
    known = Robustness("model_utility", 0.1, baseline, findings or FINDINGS)
    comparison = replace(comparison, robustness=known)
    (table,) = tables(replace(results, comparisons=(comparison,)))
    return table


def test_a_line_for_each_method_and_attack_at_its_worst(results: Results) -> None:
    shown = {(line.method, line.attack): line for line in lines(attacked(results))}
    npo = shown["npo", "relearn"]
    assert (npo.detail, npo.excess, npo.cost) == ("lr=1e-05, step 10", "+0.200", "2 %")
    assert npo.excess_bounds == "[0.150, 0.250]"
    assert npo.worst
    assert not shown["npo", "sample"].worst
    assert shown["ga", "relearn"].cost == "−30 %"
    assert shown["retrain", "relearn"].excess == "–"
    failed = shown["ga", "sample"]
    assert (failed.after, failed.excess, failed.why) == ("n/a", "n/a", "the attack failed")


def test_where_nothing_varied_no_limits_are_shown(results: Results) -> None:
    (line,) = lines(attacked(results, found("npo", "sample", None, None, ci_low=0.0, ci_high=0.0)))
    assert (line.after_bounds, line.excess_bounds) == ("", "")


def test_an_attack_that_costs_too_much_at_every_point_says_so(results: Results) -> None:
    (line,) = lines(attacked(results, found("npo", "prune", None, 0.6, cost=0.5)))
    assert not line.worst
    assert line.why == "costs more than 10 % of utility: does not count"


def test_it_names_the_methods_that_leak(results: Results) -> None:
    (told,) = leaking(attacked(results))
    assert told == (
        "Under attack these methods show more of the forget data than the retrain model does: npo."
    )
    assert told in describe_outcome(attacked(results))
    (told,) = leaking(attacked(results, found("npo", "sample", None, 0.01)))
    assert told.startswith("No attack brought back more than the retrain model shows")
    assert any("at most 10 % of model utility" in each for each in sentences(attacked(results)))


def test_without_a_baseline_model_there_is_no_excess(results: Results) -> None:
    findings = found("npo", "sample", None, None, note="no excess: ...")
    table = attacked(results, findings, baseline=None)
    (line,) = lines(table)
    assert (line.excess, line.worst) == ("n/a", True)
    assert any("There is no excess" in each for each in sentences(table))
    assert list(leaking(table)) == []


def test_a_run_without_attacks_has_no_such_table(results: Results) -> None:
    (table,) = tables(results)
    assert lines(table) == []
    assert list(sentences(table)) == []


def test_the_cells_of_a_line_are_those_of_the_headers(results: Results) -> None:
    for line in lines(attacked(results)):
        assert len(line.cells) == len(HEADERS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1, "10 %"), (-0.3, "−30 %"), (0.0, "0 %"), (-0.001, "0 %"), (None, "n/a")],
)
def test_shares(value: float | None, text: str) -> None:
    assert share(value) == text
