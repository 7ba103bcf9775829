"""Pairs and prompts in the forms that people have: messages, dialogues, Alpaca, ShareGPT."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.pairs.messages import messages
from suite_benchmarks.preferences.read import Read, published
from suite_benchmarks.win_rate.read import alone

from suite import Message, Pair, UserError

ASKED = Message("user", "Where is Arvik?")
NORTH = {"role": "assistant", "content": "North."}
SOUTH = {"role": "assistant", "content": "South."}
USER = {"role": "user", "content": "Where is Arvik?"}


def write(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read(source: str) -> Read:
    return published(source, None, drop=False)


FORMS = {
    "text": {"prompt": "Where is Arvik?", "chosen": "North.", "rejected": "South."},
    "explicit": {"prompt": [USER], "chosen": [NORTH], "rejected": [SOUTH]},
    "implicit": {"chosen": [USER, NORTH], "rejected": [USER, SOUTH]},
    "both": {"prompt": "Where is Arvik?", "chosen": [USER, NORTH], "rejected": [USER, SOUTH]},
    "one message": {"prompt": [USER], "chosen": NORTH, "rejected": SOUTH},
    "messages and texts": {"prompt": [USER], "chosen": "North.", "rejected": "South."},
    "parts": {
        "prompt": [{"role": "user", "content": [{"type": "text", "text": "Where is Arvik?"}]}],
        "chosen": [NORTH],
        "rejected": [SOUTH],
    },
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Where is Arvik?"}],
        "chosen": {"from": "gpt", "value": "North."},
        "rejected": {"from": "gpt", "value": "South."},
    },
    "alpaca": {
        "instruction": "Where is Arvik?",
        "input": "",
        "system": None,
        "chosen": "North.",
        "rejected": "South.",
    },
    "unix": {
        "chosen": "\n\nHuman: Where is Arvik?\n\nAssistant: North.",
        "rejected": "\n\nHuman: Where is Arvik?\n\nAssistant: South.",
    },
    "windows": {
        "chosen": "\r\n\r\nHuman: Where is Arvik?\r\n\r\nAssistant: North.",
        "rejected": "\r\n\r\nHuman: Where is Arvik?\r\n\r\nAssistant: South.",
    },
    "old mac": {
        "chosen": "\r\rHuman: Where is Arvik?\r\rAssistant: North.",
        "rejected": "\r\rHuman: Where is Arvik?\r\rAssistant: South.",
    },
    "stripped": {
        "chosen": "Human: Where is Arvik?\n\nAssistant: North.",
        "rejected": "Human: Where is Arvik?\n\nAssistant: South.",
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pair(tmp_path: Path, form: str) -> None:
    (pair,) = read(write(tmp_path / "pairs.jsonl", FORMS[form])).pairs
    assert pair == Pair("1", (ASKED,), "North.", "South.", pair.cluster)


@pytest.mark.parametrize("name", ["conversational_pairs.jsonl", "hh_crlf.jsonl"])
def test_the_cases_that_were_refused(shared: Path, name: str) -> None:
    (pair,) = read(str(shared / "cases" / name)).pairs
    assert [message.role for message in pair.prompt] == ["user"]
    assert "Human" not in pair.chosen and "\r" not in pair.chosen


def test_turns_before_the_question_are_part_of_the_prompt(tmp_path: Path) -> None:
    system = {"role": "system", "content": "Be brief."}
    row = {
        "chosen": [system, USER, SOUTH, USER, NORTH],
        "rejected": [system, USER, SOUTH, USER, SOUTH],
    }
    (pair,) = read(write(tmp_path / "pairs.jsonl", row)).pairs
    assert [m.role for m in pair.prompt] == ["system", "user", "assistant", "user"]
    (beside,) = read(
        write(tmp_path / "beside.jsonl", {**FORMS["text"], "system": "Be brief."})
    ).pairs
    assert beside.prompt == (Message("system", "Be brief."), ASKED)


def test_parquet_and_gzip_give_the_same_messages(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    row = FORMS["both"]
    pandas.DataFrame([row]).to_parquet(tmp_path / "pairs.parquet")
    packed = tmp_path / "pairs.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(row).encode()))
    plain = read(write(tmp_path / "pairs.jsonl", row)).pairs
    assert read(str(packed)).pairs == read(str(tmp_path / "pairs.parquet")).pairs == plain


def test_a_parquet_file_replaced_with_its_old_time_stamp_is_read_anew(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "pairs.parquet"
    found = []
    for answer in ("North.", "West.."):
        pandas.DataFrame([{**FORMS["text"], "chosen": answer}]).to_parquet(path)
        os.utime(path, (1e9, 1e9))
        found.append(read(str(path)))
    assert [each.pairs[0].chosen for each in found] == ["North.", "West.."]
    assert found[0].revision.split("@")[1] != found[1].revision.split("@")[1]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"chosen": [USER, NORTH], "rejected": "South."}, "must both be texts, or both messages"),
        ({"chosen": [NORTH], "rejected": [SOUTH]}, "no message of the user comes before"),
        (
            {"prompt": "Who?", "chosen": [USER, NORTH], "rejected": [USER, SOUTH]},
            "'prompt' is not what the messages begin with",
        ),
        (
            {"chosen": [USER, {"role": "bot", "content": "x"}], "rejected": [USER, SOUTH]},
            "'chosen', message 2, 'role': no role 'bot'; known: system, user",
        ),
        ({"chosen": [USER, {"role": "assistant"}], "rejected": [USER, SOUTH]}, "there is role"),
        (
            {"chosen": [USER, NORTH, USER, NORTH], "rejected": [USER, SOUTH]},
            "must be one message of the assistant, not assistant, user, assistant",
        ),
        ({"prompt": [USER], "chosen": [], "rejected": [SOUTH]}, "line 1, 'chosen': an empty list"),
        ({"prompt": [1], "chosen": [NORTH], "rejected": [SOUTH]}, "must be a text or messages"),
        ({"prompt": [USER, NORTH], "chosen": "a", "rejected": "b"}, "ends with a message of the"),
        (
            {
                "prompt": [{"role": "user", "content": [{"type": "image"}]}],
                "chosen": "a",
                "rejected": "b",
            },
            "a part that is no text: image",
        ),
        ({**FORMS["alpaca"], "input": 3}, "'input': must be a text, not int 3"),
    ],
)
def test_a_mistake_names_file_row_and_field(tmp_path: Path, row: Any, expected: str) -> None:
    with pytest.raises(UserError) as error:
        read(write(tmp_path / "pairs.jsonl", row))
    assert expected in str(error.value)
    assert "pairs.jsonl, " in str(error.value)
    assert "\n" not in str(error.value)


def test_an_input_is_part_of_the_question_and_of_its_cluster(tmp_path: Path) -> None:
    rows = [{"instruction": "Translate.", "input": word, "output": "x"} for word in ("one", "two")]
    first, second = alone(write(tmp_path / "t.jsonl", *rows), None).judged
    assert first.prompt == (Message("user", "Translate.\n\none"),)
    assert first.cluster != second.cluster


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [USER, NORTH]},
        {"prompt": [USER], "completion": "North."},
        {"conversations": [{"from": "human", "value": "Where is Arvik?"},
                           {"from": "gpt", "value": "North."}]},
    ],
)  # fmt: skip
def test_prompts_with_an_answer(tmp_path: Path, row: Any) -> None:
    (pair,) = alone(write(tmp_path / "t.jsonl", row), None).judged
    assert (pair.prompt, pair.chosen) == ((ASKED,), "North.")


def test_a_text_is_a_message_of_the_user() -> None:
    assert messages("Where is Arvik?", "row 1") == (ASKED,)
