"""Rows in every form."""

from __future__ import annotations

import pytest

from suite import Message

WHO = (Message("user", "Who?"),)


@pytest.mark.parametrize(
    "row",
    [
        {"question": "Who?", "answer": "Ann."},
        {"prompt": "Who?", "completion": "Ann."},
        {"prompt": [{"role": "user", "content": "Who?"}], "completion": "Ann."},
        {"prompt": "Who?", "completion": [{"role": "assistant", "content": "Ann."}]},
        {
            "messages": [
                {"role": "user", "content": "Who?"},
                {"from": "gpt", "value": "Ann."},
            ]
        },
    ],
)
def test_a_row_in_any_form_is_the_same_row(mine, row):
    mine.tables["forget"] = [row]
    _, data = mine.load()
    (found,) = data.roles["forget"]
    assert (found.prompt, found.completion) == (WHO, "Ann.")


def test_a_row_is_its_own_cluster_unless_it_names_one(mine):
    mine.tables["forget"] = [
        {"question": "Who?", "answer": "Ann."},
        {"id": 7, "question": "Why?", "answer": "So."},
        {"id": "b", "cluster": "c", "question": "When?", "answer": "Then."},
    ]
    _, data = mine.load()
    rows = data.roles["forget"]
    assert [row.id for row in rows] == ["forget/1", "forget/7", "forget/b"]
    assert [row.cluster for row in rows] == ["forget/1", "forget/7", "forget/c"]
    assert [item["cluster"] for item in data.sets["forget"]] == [row.cluster for row in rows]
