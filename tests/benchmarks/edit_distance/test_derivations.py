"""Generated derivations: the arithmetic is right, and wrong, exactly where it should be."""

from __future__ import annotations

import re

import pytest
from suite_benchmarks.edit_distance import EditDistance, EditDistanceConfig
from suite_benchmarks.edit_distance.derivations import pairs
from suite_benchmarks.pairs.data import edit_distance

from suite import Pair, Source, UserError
from suite.metrics import words

STEP = re.compile(r"(\d+) ([+-]) (\d+) = (\d+)\.")


def checks(text: str) -> list[bool]:
    """Of each step, whether its arithmetic is right."""
    found = STEP.findall(text)
    assert " ".join(f"{a} {op} {b} = {c}." for a, op, b, c in found) == text
    return [int(c) == (int(a) + int(b) if op == "+" else int(a) - int(b)) for a, op, b, c in found]


@pytest.mark.parametrize("split", ["low", "high"])
def test_the_chosen_derivation_is_right_and_answers_the_question(split: str) -> None:
    for pair in pairs(50, 6, split, seed=1):
        assert checks(pair.chosen) == [True] * 6
        question = pair.prompt[0].content.removeprefix("What is ").removesuffix("?")
        assert eval(question) == int(pair.chosen.split()[-1].rstrip("."))


def test_low_pairs_differ_in_one_digit_that_falsifies_one_step() -> None:
    for pair in pairs(200, 4, "low", seed=2):
        assert len(pair.chosen) == len(pair.rejected)
        assert sum(a != b for a, b in zip(pair.chosen, pair.rejected, strict=True)) == 1
        right = checks(pair.rejected)
        assert right.count(False) == 1
        assert right[-1]  # something follows the wrong step
        assert edit_distance(pair.chosen, pair.rejected) == 1 / len(words(pair.chosen))


def test_high_pairs_differ_throughout() -> None:
    made = pairs(200, 6, "high", seed=3)
    distances = [edit_distance(pair.chosen, pair.rejected) for pair in made]
    assert min(distances) > 0.8
    assert sum(distances) / len(distances) > 0.9  # DPOP's high edit distance
    for pair in made:
        wrong = re.findall(r"to (\d+)", pair.rejected)
        right = [c for *_, c in STEP.findall(pair.chosen)]
        assert all(a != b for a, b in zip(wrong, right, strict=True))


def test_questions_differ_and_a_seed_gives_the_same_pairs() -> None:
    made = pairs(300, 2, "low", seed=4)
    assert len({pair.prompt for pair in made}) == 300
    assert made == pairs(300, 2, "low", seed=4)
    assert made != pairs(300, 2, "low", seed=5)


def test_training_and_evaluation_share_no_question() -> None:
    data = EditDistance(EditDistanceConfig(training_pairs=40, held_out_pairs=10)).load(
        Source(None, "low", True)
    )
    training = {pair.prompt for pair in data.roles["pairs"] if isinstance(pair, Pair)}
    assert len(training) == 40
    assert len(data.sets["low"]) == 10
    assert training.isdisjoint(item["pair"].prompt for item in data.sets["low"])
    assert not data.partial


def test_dose_and_distance_are_two_factors() -> None:
    """Splits of a distance have the same pairs, splits of a dose the same training."""
    bench = EditDistance(EditDistanceConfig(training_pairs=4, held_out_pairs=2))
    loaded = {name: bench.load(Source(None, name, True)) for name in bench.splits}
    for distance in ("low", "high"):
        parts = [loaded[name] for name in bench.splits if name.startswith(distance)]
        assert len(parts) == 3
        assert all(part.roles == parts[0].roles for part in parts)
        assert all(part.starts == parts[0].starts for part in parts)
    for model in ("tiny", "other"):
        training = {name: bench.defaults(model, name) for name in bench.splits}
        assert training["low_short"] == training["high_short"] == training["high"]
        assert training["low_long"] == training["high_long"] == training["low"]
        assert training["low"] != training["high"]


def test_a_run_says_distance_and_dose() -> None:
    bench = EditDistance(EditDistanceConfig(training_pairs=2, held_out_pairs=1))
    notes = bench.load(Source(None, "high_long", True)).notes
    assert "edit_distance high_long: pairs of high distance, long training dose" in notes


def test_data_of_ones_own_is_refused_in_one_line() -> None:
    with pytest.raises(
        UserError, match="generates its pairs; --data is for benchmark 'preferences'"
    ):
        EditDistance(EditDistanceConfig()).load(Source("my/data", "low", True))
