"""Attack data that hold a tested fact are refused, by id and by text."""

from __future__ import annotations

import pytest

from suite import (
    BenchmarkData,
    Generate,
    Knowledge,
    Message,
    Pair,
    Phase,
    Row,
    ScoreText,
    Target,
    UserError,
)
from suite.plan.tested_facts import refuse_tested_facts

PROMPT = (Message("user", "Who wrote it?"),)
TESTED = Target(
    BenchmarkData({}, {}, {"forget": [{"id": "forget/0", "row": "full/7", "cluster": "Ann"}]}, ""),
    [
        ScoreText("forget/0/paraphrased", PROMPT, "It was written by Ann."),
        Generate("forget/0/generation", PROMPT, "Ann."),
        ScoreText("retain/0/answer", PROMPT, "Bob."),
    ],
    Knowledge("known", "kept"),
)


def refuse(row: Row | Pair) -> None:
    phase = Phase("lr=1", rows={"demonstrations": [row]})  # type: ignore[dict-item]
    refuse_tested_facts("mine:data=x", [phase], TESTED)


@pytest.mark.parametrize(
    ("row", "how"),
    [
        (Row("full/7", PROMPT, "Somebody else."), "'full/7' .* item 'forget/0' by its id"),
        (Row("mine/1", PROMPT, "Ann."), "'mine/1' .* item 'forget/0' by its text"),
        (Row("mine/2", (Message("user", "who  WROTE it?"),), " ann. "), "by its text"),
        (Row("mine/3", PROMPT, "It was written by Ann."), "by its text"),
        (Pair("mine/4", PROMPT, "Nobody.", "Ann."), "by its text"),
    ],
)
def test_a_tested_fact_is_refused(row: Row | Pair, how: str) -> None:
    with pytest.raises(UserError, match=f"attack 'mine:data=x' trains on what .* {how}"):
        refuse(row)


@pytest.mark.parametrize(
    "row", [Row("full/70", PROMPT, "Eve."), Row("mine/1", (Message("user", "When?"),), "Ann.")]
)
def test_other_facts_are_not(row: Row) -> None:
    refuse(row)


def test_what_is_to_be_kept_is_no_tested_fact() -> None:
    refuse(Row("retain/0", PROMPT, "Bob."))
