"""Which finding is the worst case, and what two runs found together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from suite.results.robustness import Found, Robustness, joined


def found(method: str, attack: str, step: int | None, excess: float | None, **more: Any) -> Found:
    given = {"before": 0.1, "value": 0.3, "cost": 0.0, **more}
    return Found(attack, "", step, method, "known", excess=excess, **given)


def robustness(*findings: Found, **more: Any) -> Robustness:
    return Robustness("kept", 0.1, "retrain", findings, **more)


def test_the_largest_excess_among_attacks_that_cost_little() -> None:
    findings = (
        found("npo", "relearn", 0, 0.9),  # before the attack
        found("npo", "relearn", 5, 0.2, cost=0.1),
        found("npo", "relearn", 10, 0.5, cost=0.11),
        found("npo", "sample", None, 0.1),
        found("ga", "sample", None, 0.8),
    )
    whole = robustness(*findings)
    assert whole.worst("npo") == findings[1]
    assert whole.worst("npo", "sample") == findings[3]
    assert whole.worst("simnpo") is None
    assert whole.attacks == ["relearn", "sample"]


def test_what_failed_or_has_no_cost_is_no_worst_case() -> None:
    whole = robustness(
        found("npo", "relearn", 5, None, value=None, note="the attack failed"),
        found("npo", "prune", None, 0.4, cost=None, note="no cost"),
    )
    assert whole.worst("npo") is None


def test_without_a_baseline_model_the_largest_value() -> None:
    whole = robustness(
        found("npo", "a", None, None, value=0.2), found("npo", "b", None, None, value=0.3)
    )
    worst = whole.worst("npo")
    assert worst is not None
    assert worst.attack == "b"


def test_two_runs_are_joined_by_method_and_attack() -> None:
    a = robustness(found("npo", "sample", None, 0.1), settings={"sample": {"n": 20}})
    b = robustness(
        found("npo", "sample", None, 0.2),
        found("ga", "sample", None, 0.3),
        found("npo", "prune", None, 0.4),
        settings={"sample": {"n": 20}, "prune": {}},
    )
    both = joined(a, b, "b")
    assert both is not None
    assert [(each.method, each.attack, each.excess) for each in both.found] == [
        ("npo", "sample", 0.1),
        ("ga", "sample", 0.3),
        ("npo", "prune", 0.4),
    ]
    assert both.settings == {"sample": {"n": 20}, "prune": {}}
    assert joined(a, None, "b") == a
    assert joined(None, b, "b") == b


def test_runs_attacked_with_other_settings_are_not_joined() -> None:
    a = robustness(found("npo", "sample", None, 0.1), settings={"sample": {"n": 20}})
    b = replace(a, settings={"sample": {"n": 200}})
    both = joined(a, b, "second")
    assert both is not None
    assert both.found == a.found
    assert both.notes == (
        "second was attacked with other settings: what its attacks found is left out.",
    )
