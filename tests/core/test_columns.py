"""The kinds of columns beyond plain types; tests/test_tables.py has those."""

from __future__ import annotations

from typing import Any

import pytest

from suite.core.columns import MaybeText, Turns, check_row
from suite.core.errors import UserError


@pytest.mark.parametrize("value", ["text", {"role": "user"}, [{"role": "user", "content": "x"}]])
def test_turns_are_a_text_or_messages(value: Any) -> None:
    assert check_row({"a": value, "b": 1}, {"a": Turns}, (), "row 1") == {"a": value}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (" ", "an empty text"),
        ([], "an empty list"),
        (None, "item 1: must be a text or messages, not null"),
        (["x"], "item 1: must be a text or messages, not a text"),
        ([{"content": "\ud800"}], "item 1, 'content': character 1 is a lone surrogate, U+D800"),
    ],
)
def test_other_turns_are_refused(value: Any, expected: str) -> None:
    with pytest.raises(UserError) as error:
        check_row({"a": value}, {"a": Turns}, (), "row 1")
    assert str(error.value).startswith(f"row 1, 'a'{', ' if expected.startswith('item') else ': '}")
    assert expected in str(error.value)


@pytest.mark.parametrize("value", ["", None, "text"])
def test_a_text_may_be_empty_where_that_is_said(value: Any) -> None:
    assert check_row({"a": value}, {"a": MaybeText}, ("a",), "row 1") == {"a": value}
    assert check_row({}, {"a": MaybeText}, ("a",), "row 1") == {}


def test_an_empty_text_may_still_be_no_number() -> None:
    with pytest.raises(UserError, match="row 1, 'a': must be a text, not int 3"):
        check_row({"a": 3}, {"a": MaybeText}, (), "row 1")
