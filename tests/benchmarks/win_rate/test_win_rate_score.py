"""From verdicts to metrics, on verdicts made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from suite_benchmarks.win_rate.score import invalid, item_scores, summarise

from suite import Metric
from suite.api.judge import Choice, Cost, Verdict
from suite.api.verdicts import Judged, Verdicts
from suite.judges.alpaca_eval import DIFFICULTY_TERM, LENGTH_TERM
from suite.stats import length_controlled_win_rate, mean_interval_t


def judged(
    first: Choice | None, second: Choice | None, candidate: str = "a", rival: str = "bb"
) -> Judged:
    return Judged(candidate, rival, Verdict("q", first, model="m"), Verdict("q", second, model="m"))


def metrics(
    found: list[Judged],
    canary: list[Judged] | None = None,
    sets: int = 1,
    hard: list[float | None] | None = None,
) -> dict[str, Metric]:
    names = [f"t{i}" for i in range(sets)]
    items = {s: [{"id": f"{s}/{i}", "cluster": str(i)} for i in range(len(found))] for s in names}
    for each in items.values():
        for item, difficulty in zip(each, hard or [None] * len(found), strict=True):
            item["difficulty"] = difficulty  # type: ignore[assignment]
    by_id = {f"{s}/{i}/answer": each for s in names for i, each in enumerate(found)}
    verdicts = Verdicts(by_id, dict(enumerate(canary or found)), Cost(7, 100, 10, None))  # type: ignore[arg-type]
    return {metric.name: metric for metric in summarise(items, item_scores(items, by_id), verdicts)}


def test_the_win_rate_is_the_mean_over_prompts_with_a_t_interval() -> None:
    found = metrics([judged("first", "second"), judged("first", "first"), judged("tie", "first")])
    assert found["win_rate"].value == pytest.approx((1 + 0.5 + 0.25) / 3)
    expected = mean_interval_t([1, 0.5, 0.25])
    assert found["win_rate"].ci_low == max(0, expected.low or 0)
    assert found["tie_rate"].value == pytest.approx(1 / 6)
    assert found["position_bias"].value == pytest.approx((1 + 0 + 1 + 1 + 0.5 + 1) / 6)


def test_a_judge_that_takes_the_first_is_seen_by_its_position_bias() -> None:
    found = metrics([judged("first", "first")] * 5)
    assert (found["win_rate"].value, found["position_bias"].value) == (0.5, 1.0)


def test_the_ledger_has_no_dollars_without_a_price() -> None:
    found = metrics([judged("first", "second")] * 3)
    assert (
        found["judge_calls"].value,
        found["judge_tokens_in"].value,
        found["judge_tokens_out"].value,
    ) == (7, 100, 10)
    assert (found["judge_cost"].value, found["judge_cost"].note) == (None, "the judge has no price")


def test_unparsed_verdicts_are_left_out_up_to_two_percent() -> None:
    found = metrics([judged("first", "second")] * 49 + [judged(None, "second")])  # 1 of 100
    assert (found["win_rate"].value, found["win_rate"].n) == (1.0, 49)
    assert found["unparsed_rate"].value == pytest.approx(0.01)
    found = metrics(
        [judged("first", "second")] * 48 + [judged(None, None), judged(None, "tie")]
    )  # 3 of 100
    assert found["win_rate"].value is None and found["win_rate"].note.startswith("invalid: 3.0%")


def test_a_canary_that_wins_is_shouted_about() -> None:
    wins, loses = [judged("first", "second")] * 4, [judged("second", "first")] * 4
    assert "do not trust this judge" in metrics(loses, canary=wins)["canary_win_rate"].note
    assert metrics(wins, canary=loses)["canary_win_rate"].note == ""


def test_verdicts_of_two_models_are_not_mixed() -> None:
    a, b = Verdict("q", "first", model="a"), Verdict("q", "first", model="b")
    assert invalid([a, b]) == "invalid: the judge changed meanwhile: a, b"
    assert invalid([a, Verdict("q", "tie")]) == ""  # an equal pair is not asked: nobody's model


def test_length_control_takes_the_length_out_of_a_length_judge() -> None:
    """Half of the answers longer, all of those win: at equal lengths nothing is left of it."""
    longer, shorter = (
        judged("first", "second", "x" * 20, "y" * 10),
        judged("second", "first", "x" * 10, "y" * 20),
    )
    found = metrics([longer, longer, longer, shorter, shorter] * 4)
    assert found["win_rate"].value == pytest.approx(0.6)
    value: Any = found["length_controlled_win_rate"].value
    assert abs(value - 0.5) < 0.05


def test_known_difficulties_make_it_the_regularised_refit() -> None:
    """As AlpacaEval's fit, without the prompt that has no verdict; one unknown: the plain one."""
    each = [
        judged("first", "second", "x" * 30, "y" * 10),
        judged("second", "first", "x" * 10, "y" * 20),
        judged("first", "first", "x" * 10, "y" * 15),
    ] * 20
    hard: list[float | None] = [place / 30 - 1 for place in range(61)]
    found = metrics([*each, judged(None, None)], hard=hard)["length_controlled_win_rate"]
    wins, own, rival = [1, 0, 0.5] * 20, [30, 10, 10] * 20, [10, 20, 15] * 20
    regularised = length_controlled_win_rate(
        wins, own, rival, hard[:60],
        length_prior=LENGTH_TERM, difficulty_prior=DIFFICULTY_TERM,
    )  # fmt: skip
    plain = length_controlled_win_rate(wins, own, rival)
    assert found.value == pytest.approx(regularised.value, abs=1e-9)
    assert abs((regularised.value or 0) - (plain.value or 0)) > 0.01
    unknown = metrics(each, hard=[None, *hard[1:60]])["length_controlled_win_rate"]
    assert unknown.value == pytest.approx(plain.value, abs=1e-9)


def test_every_other_temperature_has_its_own_names() -> None:
    found = metrics([judged("first", "second")] * 3, sets=2)
    assert found["win_rate_t1"].value == 1.0
