"""How an attack finds the requests about an item, and the rows that an item is about."""

from __future__ import annotations

import pytest

from suite import BenchmarkData, Message, Row, ScoreText, Target, is_about
from suite.api.knowledge import Knowledge

PROMPT = (Message("user", "Who?"),)


def test_requests_about_items_by_the_beginning_of_their_ids() -> None:
    ids = ("forget/1/answer", "forget/1/perturbed/0", "forget/11/answer", "forget/2", "retain/1/a")
    items = [{"id": "forget/1", "cluster": "a"}, {"id": "forget/2", "cluster": "b"}]
    data = BenchmarkData({}, {}, {"forget": items}, "")
    asked = [ScoreText(id, PROMPT, "Ann.") for id in ids]
    target = Target(data, asked, Knowledge("known", "kept"))
    found = [(item["id"], request.id) for item, request in target.about_items()]
    assert found == [
        ("forget/1", "forget/1/answer"),
        ("forget/1", "forget/1/perturbed/0"),
        ("forget/2", "forget/2"),
    ]


@pytest.mark.parametrize(
    ("item", "row", "about"),
    [
        ({"id": "forget/1", "row": "full/7"}, "full/7", True),
        ({"id": "forget/1", "row": "full/7"}, "full/70", False),
        ({"id": "full/7", "row": "full/8"}, "full/7", False),
        ({"id": "forget/q"}, "forget/q", True),
        ({"id": "forget/q"}, "forget/q/2", True),  # a window of a longer text
        ({"id": "forget/q"}, "forget/qq", False),
    ],
)
def test_an_item_is_about_its_row(item: dict[str, str], row: str, about: bool) -> None:
    assert is_about(item, Row(row, PROMPT, "Ann.")) is about
