"""What an engine has answered before an interruption is not asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from suite import Engine, Generate, Generated, Message, Request, Response
from suite.respond.remembered import Remembered


class Counting(Engine):
    """Answers with the number of what it was asked, and breaks at one."""

    name = "counting"
    answers_apart = True
    breaks_at = 0

    def __init__(self) -> None:
        super().__init__(device="cpu", dtype="float32", template="chat", max_length=8)
        self.asked: list[str] = []

    def load(self, folder: Path) -> None:
        raise NotImplementedError

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        for request in reversed(requests):
            self.asked.append(request.id)
            if len(self.asked) == self.breaks_at:
                raise ConnectionError
            yield Generated(request.id, (f"answer {len(self.asked)}",), (True,))

    def identity(self) -> dict[str, str]:
        return {"engine": "counting"}


REQUESTS = [Generate(f"q/{i}", (Message("user", f"Who is {i}?"),)) for i in range(4)]


def texts(engine: Engine, file: Path, requests: Sequence[Request] = REQUESTS) -> list[str]:
    with Remembered(engine, file) as remembered:
        return [Generated.of(answer).texts[0] for answer in remembered.respond(requests)]


def test_only_what_is_missing_is_asked_after_an_interruption(tmp_path: Path) -> None:
    engine, file = Counting(), tmp_path / "asked.jsonl"
    engine.breaks_at = 3
    with pytest.raises(ConnectionError):
        texts(engine, file)
    assert texts(engine, file) == ["answer 5", "answer 4", "answer 2", "answer 1"]
    assert engine.asked == ["q/3", "q/2", "q/1", "q/1", "q/0"]


def test_other_settings_are_another_request_and_repetitions_are_answered_anew(
    tmp_path: Path,
) -> None:
    engine, file = Counting(), tmp_path / "asked.jsonl"
    hotter = [replace(REQUESTS[0], temperature=1.0)]
    with Remembered(engine, file) as remembered:
        for asked in (REQUESTS[:1], hotter, hotter):
            remembered.respond(asked)
    assert len(engine.asked) == 3
    with Remembered(engine, file) as remembered:
        again = [remembered.respond(asked)[0] for asked in (REQUESTS[:1], hotter, hotter)]
    assert [Generated.of(each).texts for each in again] == [
        ("answer 1",),
        ("answer 2",),
        ("answer 3",),
    ]
    assert len(engine.asked) == 3
