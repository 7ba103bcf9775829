"""Reading preference data: both forms, real dialogues, the generated pairs, and every mistake in
one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.pairs.data import edit_distance
from suite_benchmarks.preferences import Preferences, PreferencesConfig
from suite_benchmarks.preferences.read import split_dialogues
from suite_benchmarks.preferences.split import hold_out

from suite import Message, Pair, Source, UserError
from suite.api.data import BenchmarkData
from suite.metrics import words
from suite.tiny import words as vocabulary

HI = "\n\nHuman: Hi!\n\nAssistant:"


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def capitals(count: int) -> list[dict[str, str]]:
    return [
        {"prompt": f"Capital {i}?", "chosen": f"Right {i}.", "rejected": f"Wrong {i}."}
        for i in range(count)
    ]


def load(
    data: Path | str | None, *, tiny: bool = False, limit: int | None = None, **config: Any
) -> BenchmarkData:
    source = Source(None if data is None else str(data), "default", tiny, limit)
    return Preferences(PreferencesConfig(**config)).load(source)


def all_pairs(data: BenchmarkData) -> dict[str, Pair]:
    held_out = [item["pair"] for item in data.sets["held_out"]]
    return {pair.id: pair for pair in [*data.roles["pairs"], *held_out]}


def test_the_roles_of_a_file_with_prompts(tmp_path: Path) -> None:
    data = load(write(tmp_path / "pairs.jsonl", capitals(10)), held_out=3)
    pairs = data.roles["pairs"]
    assert len(pairs) == 7
    assert len(data.sets["held_out"]) == 3
    assert [(r.prompt, r.completion) for r in data.roles["demonstrations"]] == [
        (p.prompt, p.chosen) for p in pairs
    ]
    assert data.starts == {"reference": data.roles["demonstrations"]}
    following = [*pairs[1:], pairs[0]]
    assert [(r.prompt, r.completion) for r in data.roles["mismatched"]] == [
        (pair.prompt, after.chosen) for pair, after in zip(pairs, following, strict=True)
    ]


def test_a_file_and_a_folder_with_it_give_the_same_pairs(tmp_path: Path) -> None:
    file = write(tmp_path / "train.jsonl", capitals(6))
    assert load(file).roles == load(tmp_path).roles
    write(tmp_path / "other.jsonl", capitals(4))
    assert len(all_pairs(load(tmp_path, table="other"))) == 4


def test_mismatched_rows_take_the_answer_of_another_prompt(tmp_path: Path) -> None:
    rows = [{**row, "prompt": f"Same {i // 3}"} for i, row in enumerate(capitals(9))]
    data = load(write(tmp_path / "pairs.jsonl", rows), held_out=1)
    prompt_of = {pair.chosen: pair.prompt for pair in data.roles["pairs"]}
    assert all(prompt_of[row.completion] != row.prompt for row in data.roles["mismatched"])


def test_equal_prompts_are_one_cluster_and_never_on_both_sides(tmp_path: Path) -> None:
    rows = [{**row, "prompt": f"Same {i % 5}"} for i, row in enumerate(capitals(20))]
    data = load(write(tmp_path / "pairs.jsonl", rows), held_out=0.4)
    held_out = {item["cluster"] for item in data.sets["held_out"]}
    assert len(held_out) == 2
    assert held_out.isdisjoint(pair.cluster for pair in data.roles["pairs"])


def test_what_is_held_out_does_not_depend_on_the_order_of_rows() -> None:
    pairs = [Pair(str(i), (), "a", "b", cluster=f"cluster {i}") for i in range(50)]
    forward, backward = hold_out(pairs, 0.3)[1], hold_out(pairs[::-1], 0.3)[1]
    assert len(forward) == 15
    assert {pair.id for pair in forward} == {pair.id for pair in backward}
    assert {pair.id for pair in hold_out(pairs, 5)[1]} < {pair.id for pair in forward}


def test_a_limit_makes_it_partial(tmp_path: Path) -> None:
    data = load(write(tmp_path / "pairs.jsonl", capitals(10)), held_out=0.5, limit=2)
    assert data.partial
    assert len(data.sets["held_out"]) == 2
    assert "2 of 5 held-out pairs" in data.notes


def test_a_dialogue_is_parted_into_prompt_and_answers() -> None:
    shared = "\n\nHuman: One?\n\nAssistant: Uno.\n\nHuman: Two?"
    prompt, chosen, rejected = split_dialogues(
        f"{shared}\n\nAssistant: Due.", f"{shared}\n\nAssistant: Tre. ", "row 1"
    )
    assert prompt == (
        Message("user", "One?"),
        Message("assistant", "Uno."),
        Message("user", "Two?"),
    )
    assert (chosen, rejected) == ("Due.", "Tre.")


def test_an_answer_may_go_on_for_several_turns() -> None:
    _, chosen, rejected = split_dialogues(
        f"{HI} A.\n\nHuman: And?\n\nAssistant: B.", f"{HI} C.", "row 1"
    )
    assert (chosen, rejected) == ("A.\n\nHuman: And?\n\nAssistant: B.", "C.")


def test_real_dialogues_say_what_their_file_says(shared: Path) -> None:
    path = shared / "data" / "hh" / "harmless_base_test.jsonl"
    with pytest.raises(
        UserError, match="row 87: the chosen answer is empty; preferences.drop_unusable=true"
    ):
        load(path)
    data = load(path, drop_unusable=True)
    assert data.notes[0] == "4 of 2312 pairs dropped: an empty answer, or equal answers"
    pairs = all_pairs(data)
    assert len(pairs) == 2308
    lines = path.read_text().split("\n")
    for pair in pairs.values():
        row = json.loads(lines[int(pair.id) - 1])
        for name in ("chosen", "rejected"):
            head, answer = row[name].rsplit(getattr(pair, name), 1)
            assert answer.strip() == ""
            assert head.rstrip().endswith("\n\nAssistant:")
        assert pair.prompt[0].role == pair.prompt[-1].role == "user"
        assert all(row["chosen"].count(message.content) for message in pair.prompt)


def test_long_pairs_may_be_left_out_and_are_counted(tmp_path: Path) -> None:
    rows = [{"prompt": str(n) * 9, "chosen": "b" * n, "rejected": "c"} for n in (1, 2, 3)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = len("user: 111111111") + 2
    for source in (tmp_path, tmp_path / "mine.jsonl"):  # a folder's only table needs no name
        data = load(source, max_characters=size, held_out=1)
        assert sorted(len(pair.chosen) for pair in all_pairs(data).values()) == [1, 2]
        assert data.notes[0] == f"1 of 3 pairs left out: more than {size} characters"
    with pytest.raises(UserError, match="no usable pair"):
        load(tmp_path, max_characters=3)


def test_the_tiny_model_gets_pairs_at_three_distances() -> None:
    data = load(None, tiny=True)
    pairs = all_pairs(data)
    assert len(pairs) == 400
    distances = {id: edit_distance(p.chosen, p.rejected) for id, p in pairs.items()}
    for id, pair in pairs.items():
        person, kind = divmod(int(id), 4)
        turn = (person + kind) % 3
        assert (distances[id] < 0.15, pair.rejected in vocabulary.REFUSALS) == [
            (True, False),
            (distances[id] < 0.15, False),
            (False, True),
        ][turn]
        if turn == 0:
            assert len(set(words(pair.chosen)) ^ set(words(pair.rejected))) in (
                1,
                2,
            )  # one word, maybe one that recurs
    assert {len({item["cluster"] for item in data.sets["held_out"]})} == {20}
    assert [load(None, tiny=True).revision] == [data.revision]


def test_every_word_of_the_generated_pairs_is_a_token() -> None:
    from suite.tiny.tokenizer import build

    tokenizer = build()
    for pair in all_pairs(load(None, tiny=True)).values():
        assert len(tokenizer(pair.rejected)["input_ids"]) < 2 * len(words(pair.rejected))


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("one two three", "one two three", 0),
        ("one two three", "one 2 three", 1 / 3),
        ("one two", "three four", 1),
        ("a b c d", "b c d", 1 / 4),
        ("b c d", "a b c d", 1 / 4),
        ("k i t t e n", "s i t t i n g", 3 / 7),
        ("yes.", "yes", 1 / 2),
    ],
)
def test_edit_distance_by_hand(a: str, b: str, expected: float) -> None:
    assert edit_distance(a, b) == pytest.approx(expected)
    assert edit_distance(b, a) == pytest.approx(expected)


def row(**changes: str | None) -> dict[str, str]:
    changed = {"prompt": "Hi", "chosen": "A", "rejected": "B", **changes}
    return {name: value for name, value in changed.items() if value is not None}


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (row(rejected="A"), "row 3: the chosen and the rejected answer are equal"),
        (row(rejected=""), "line 3, 'rejected': an empty text"),
        (row(chosen=" \n"), "line 3, 'chosen': an empty text"),
        (row(rejected=None), "line 3: no column 'rejected', there are prompt, chosen"),
        (
            {"promt": "Hi", "chosen": "A", "rejected": "B"},
            "'chosen': there is no column 'prompt', and this is no dia",
        ),
        (
            row(prompt=None, chosen=f"{HI} A", rejected=f"{HI}"),
            "row 3: the rejected answer is empty",
        ),
        (
            row(prompt=None, chosen=f"{HI} A", rejected=f"{HI} A"),
            "row 3: the chosen and the rejected answer are equal",
        ),
        (
            row(prompt=None, chosen=f"{HI} A", rejected="\n\nHuman: Yo\n\nAssistant: B"),
            "no common prompt",
        ),
        (
            row(prompt=None, chosen="\n\nAssistant: A", rejected="\n\nAssistant: B"),
            "no common prompt",
        ),
        (
            row(prompt=None, chosen=f"{HI} A\n\nHuman: B", rejected=f"{HI} A\n\nHuman: C"),
            "no common prompt",
        ),
        ([1, 2], "line 3: must be an object with prompt, chosen, rejected"),
    ],
)
def test_a_mistake_in_a_row_is_one_line(tmp_path: Path, bad: Any, expected: str) -> None:
    path = write(tmp_path / "pairs.jsonl", [*capitals(2), bad])
    with pytest.raises(UserError) as error:
        load(path)
    assert expected in str(error.value)
    assert "pairs.jsonl" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"held_out": 2.5}, "held_out = 2.5: a number of prompts (1 or more) must be whole"),
        ({"held_out": 4}, "holds out 4 of 4 prompts"),
        ({"held_out": 0.01}, "holds out 0 of 4 prompts"),
        (
            {"table": "tarin"},
            "no file tarin.json (or .jsonl, .csv, .parquet); the nearest are train",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(
    tmp_path: Path, config: dict[str, Any], expected: str
) -> None:
    write(tmp_path / "train.jsonl", capitals(4))
    with pytest.raises(UserError) as error:
        load(tmp_path, **config)
    assert expected in str(error.value)


def test_columns_of_other_names_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "pairs.jsonl", [{"promt": "Hi", "chosen": "A", "rejected": "B"}])
    with pytest.raises(UserError) as error:
        load(path)
    expected = (
        "line 1: no column 'prompt', there are promt, chosen, rejected; did you mean 'promt'?"
    )
    assert str(error.value) == f"{path}, {expected}"


def test_sources_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="for `tiny` only; name others with --data"):
        load(None)
    with pytest.raises(
        UserError, match=r"pairs.txt: a table ends in .json, .jsonl, .csv, .parquet"
    ):
        load(write(tmp_path / "pairs.txt", capitals(4)))
    with pytest.raises(UserError, match="no usable pair"):
        load(write(tmp_path / "equal.jsonl", [row(rejected="A")]), drop_unusable=True)
