"""What is read of responses, and why a number cannot be had."""

from __future__ import annotations

import math

import pytest
from suite_benchmarks.memorisation.answers import Answers, MissingError, item_score

from suite import Generated, TextScore

RESPONSES = {
    "a/1/good": TextScore("a/1/good", (-1.0, -3.0), (True, False)),
    "a/1/nan": TextScore("a/1/nan", (-1.0, math.nan), (True, True)),
    "a/1/flags": TextScore("a/1/flags", (-1.0, -1.0), (True,)),
    "a/1/text": Generated("a/1/text", ("a short answer",), (True,)),
    "a/1/silent": Generated("a/1/silent", ()),
}
ANSWERS = Answers("a/1", RESPONSES)


def test_numbers_of_complete_responses():
    assert ANSWERS.mean_logp("good") == -2
    assert ANSWERS.greedy("good") == (True,)  # without the end of the sequence
    assert ANSWERS.recall("text", "a long answer") == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: ANSWERS.mean_logp("nan"), "nan: 1 of 2 log-probabilities not finite"),
        (lambda: ANSWERS.mean_logp("flags"), "flags: 2 log-probabilities, 1 greedy flags"),
        (lambda: ANSWERS.mean_logp("text"), "text: no log-probabilities"),
        (lambda: ANSWERS.mean_logp("other"), "other: no response"),
        (lambda: ANSWERS.recall("silent", "a"), "silent: no text"),
        (lambda: ANSWERS.recall("text", "?!"), "no word that ROUGE counts"),
    ],
)
def test_a_number_that_cannot_be_had_says_why(ask, why):
    with pytest.raises(MissingError, match=why):
        ask()
    score = item_score("m", "a", "a/1", "c", ask)
    assert score.value is None
    assert why in score.note


def test_an_item_score_holds_the_number():
    score = item_score("m", "a", "a/1", "c", lambda: 0.5)
    assert (score.metric, score.item_id, score.cluster_id, score.value) == ("m", "a/1", "c", 0.5)
