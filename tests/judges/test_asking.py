"""What the host does around a judge: both orders, equal answers, the log of verdicts, keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from suite.api.judge import Comparison, Verdict
from suite.api.verdicts import Judged
from suite.core.errors import UserError
from suite.judges.asking import CANARY, both_orders, key_of
from suite.judges.judging import Judging
from suite.judges.length import Length, LengthConfig
from suite.stages.context import Context
from suite.store import Store
from tests.judges.conftest import Script, question

Run = Callable[..., dict[str, Judged]]


def first(each: Comparison) -> Verdict:
    return Verdict("", "first")


def test_every_question_is_judged_in_both_orders(judged: Run, context: Context) -> None:
    judge = Script(context, first)
    found = judged(judge, {1: "In Belmora."})["t0/1/answer"]
    assert [(c.first, c.second) for c in judge.asked] == [
        ("In Belmora.", "It is Arvik."), ("It is Arvik.", "In Belmora."),
    ]  # fmt: skip
    assert found.score == 0.5  # a judge that always takes the first answer says nothing


@pytest.mark.parametrize(
    ("shown_first", "shown_second", "score"),
    [
        ("first", "second", 1.0),
        ("first", "tie", 0.75),
        ("second", "second", 0.5),
        ("tie", "first", 0.25),
    ],
)
def test_the_score_of_a_prompt(shown_first: str, shown_second: str, score: float) -> None:
    a, b = Verdict("q", shown_first), Verdict("q", shown_second)  # type: ignore[arg-type]
    assert Judged("x", "y", a, b).score == score


def test_a_missing_verdict_leaves_no_score() -> None:
    assert Judged("x", "y", Verdict("q", "first"), Verdict("q", None, "empty")).score is None


def test_equal_answers_score_one_half_and_are_not_asked(judged: Run, context: Context) -> None:
    judge = Script(context, first)
    assert judged(judge, {1: "It is Arvik."})["t0/1/answer"].score == 0.5
    assert judge.asked == []


def test_the_longer_answer_wins_under_the_control(judged: Run, context: Context) -> None:
    found = judged(
        Length(LengthConfig(), context), {1: "x" * 50, 2: "x", 3: "y" * len("It is Arvik.")}
    )
    assert [each.score for each in found.values()] == [1.0, 0.0, 0.5]


def test_the_key_of_a_verdict_holds_all_that_decides_it(context: Context) -> None:
    judge = Script(context, first)
    one, other = both_orders(question(1), "a", "b")
    newer = Script(context, first)
    newer.revision = 2  # type: ignore[misc]
    keys = [
        key_of(judge, each)
        for each in (
            one,
            other,
            replace(one, first="c"),
            replace(one, second="c"),
            replace(one, criterion="summary"),
            replace(one, prompt=question(2).prompt),
        )
    ]
    assert len({*keys, key_of(newer, one)}) == len(keys) + 1
    assert key_of(judge, replace(one, id="elsewhere")) == key_of(judge, one)


def test_verdicts_before_a_failure_are_kept(judged: Run, context: Context) -> None:
    def fails(each: Comparison) -> Verdict:
        if len(failing.asked) == 4:
            raise RuntimeError("the endpoint is gone")
        return first(each)

    failing = Script(context, fails)
    texts = {1: "a", 2: "b", 3: "c"}
    with pytest.raises(RuntimeError):
        judged(failing, texts)
    context.verdicts.clear()  # another start of the command: only the log is left
    again = Script(context, first)
    assert len(judged(again, texts)) == 3
    kept, asked_again = {c.id for c in failing.asked[:3]}, {c.id for c in again.asked}
    assert kept.isdisjoint(asked_again)
    assert len(asked_again) == 3


def test_the_same_answers_of_another_model_are_not_asked_again(
    judged: Run, context: Context
) -> None:
    judge = Script(context, first)
    judged(judge, {1: "a", 2: "b"})
    judged(judge, {2: "b", 1: "a", 3: "c"})
    assert len(judge.asked) == 6


def test_another_models_verdicts_outlive_an_interruption(judged: Run, context: Context) -> None:
    judged(Script(context, first), {1: "a", 2: "b"})

    def stop(comparison: Comparison) -> Verdict:
        raise UserError("stopped")

    texts = {1: "a", 2: "b", 3: "c"}
    with pytest.raises(UserError, match="stopped"):
        judged(Script(context, stop), texts)
    context.verdicts.clear()  # another start of the command
    again = Script(context, first)
    judged(again, texts)
    assert len(again.asked) == 2


def test_the_canary_is_one_stage_for_all_models(
    context: Context, tmp_path_factory: pytest.TempPathFactory
) -> None:
    judge = Script(context, first)
    judging = Judging(context, judge, [question(number) for number in range(25)], None)
    Store(tmp_path_factory.mktemp("store"), builder=context.build).ensure(judging.canary)
    assert {CANARY} == {text for c in judge.asked for text in (c.first, c.second)} - {
        "It is Arvik."
    }
    assert len(judge.asked) == 40
