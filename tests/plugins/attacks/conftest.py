"""A small benchmark's data, as attacks meet them: four authors, three facts about each."""

from __future__ import annotations

import pytest

from suite import BenchmarkData, Generate, Knowledge, Message, Request, Row, ScoreText, Target


def question(number: int) -> tuple[Message, ...]:
    return (Message("user", f"What is fact {number}?"),)


@pytest.fixture
def target() -> Target:
    rows, items, requests = [], [], list[Request]()
    for number in range(12):
        author, answer = f"author/{number // 3}", f"Fact {number} is number {100 + number}."
        rows.append(Row(f"full/{number}", question(number), answer, author))
        id = f"forget/{number}"
        items.append({"id": id, "row": f"full/{number}", "cluster": author})
        requests.append(ScoreText(f"{id}/answer", question(number), answer))
        requests.append(Generate(f"{id}/generation", question(number), answer))
    retain = [Row("full/99", question(99), "Kept.", "author/9")]
    requests.append(ScoreText("retain/0/answer", question(99), "Kept."))
    kept = [{"id": "retain/0", "cluster": "author/9"}]
    data = BenchmarkData(
        roles={"forget": rows, "retain": retain},
        starts={},
        sets={"forget": items, "retain": kept},
        revision="twelve facts",
    )
    return Target(data, requests, Knowledge("forget_probability", "retain_probability"))
