"""Engine `openai` and what an endpoint may do instead of answering: the table, on real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.engines.endpoint import Endpoint
from suite.plan.text_stages import TextStages
from suite.stages.responses import read_responses
from suite.store import Store
from tests.run.conftest import write_tables
from tests.run.test_endpoint import stages
from tests.servers.fault_table import CASES, RETRIES, SECRET, Case, strained
from tests.servers.openai_server import Body, Fault, OpenAIServer, broken, slow


class Plain:
    """Says the same to everything, and gives every token the same log-probability."""

    def __init__(self) -> None:
        self.answered: Counter[str] = Counter()

    def complete(self, body: Body) -> list[Body]:
        given = None
        if body.get("echo"):
            logps = [-1.0] * len(body["prompt"])
            tops = [{"token": each} for each in logps]
            given = {"tokens": ["token"] * len(logps), "token_logprobs": logps}
            given["top_logprobs"] = tops
        return [{"index": 0, "text": "Yes.", "logprobs": given, "finish_reason": "stop"}]

    def chat(self, body: Body) -> list[Body]:
        raise NotImplementedError


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(Plain(), key=SECRET) as running:
        yield running


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("world"))


@pytest.fixture
def asking(
    server: OpenAIServer, tiny_folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> TextStages:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    server.seen.clear()
    server.faults, server.rest = [], Fault()
    settings: dict[str, Any] = {"base_url": server.url, "model": server.name, "retries": RETRIES}
    return stages("openai", tiny_folder, data, {**settings, "concurrency": 1})


@pytest.mark.parametrize("name", CASES)
def test_the_engine_stops_with_one_line_and_asks_nothing_twice(
    asking: TextStages,
    server: OpenAIServer,
    tmp_path: Path,
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case: Case = CASES[name]
    store = Store(tmp_path / "store", builder=asking.context.build)
    stage = asking.respond(asking.base, None, "base")
    server.faults, server.rest = [Fault()] * 3, case.fault
    with pytest.raises(UserError, match=case.says) as caught:
        store.ensure(stage)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 400 and SECRET not in said
    assert len(server.seen) == 3 + case.tries
    kept = [strained(body) for _, _, body in server.seen[:3]]
    server.rest = Fault()
    assert len(read_responses(store.ensure(stage))) == len(asking.requests)
    asked = Counter(strained(body) for _, _, body in server.seen)
    assert [asked[each] for each in kept] == [1, 1, 1]
    assert len(server.seen) == len(asking.requests) + case.tries
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert SECRET not in "".join(capfd.readouterr())


def test_answers_on_their_way_when_another_fails_are_kept(
    server: OpenAIServer, asking: TextStages
) -> None:
    endpoint = Endpoint(server.url, server.name, concurrency=3, retries=0)

    def ask(client: Any, number: int) -> int:
        client.completions.create(model=server.name, prompt=[number], max_tokens=1)
        return number

    server.faults = [slow(0.5), slow(0.5), broken(400)]
    answers = endpoint.ask_all(ask, list(range(20)))
    assert {next(answers)[1], next(answers)[1]} <= set(range(3))
    with pytest.raises(UserError, match="status 400"):
        next(answers)
    assert len(server.seen) == 3


@pytest.mark.parametrize("listed", [b"[]", b"null", b'{"data": [null]}', b'{"data": 5}', b""])
def test_a_list_of_models_that_is_none_stops_nothing(
    server: OpenAIServer, asking: TextStages, monkeypatch: pytest.MonkeyPatch, listed: bytes
) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: (200, listed))
    Endpoint(server.url, server.name, retries=0).check_model()


def test_a_page_in_place_of_the_list_of_models_is_one_line(
    server: OpenAIServer, asking: TextStages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: (200, b"<html>"))
    with pytest.raises(UserError, match="the answer is not what the protocol says"):
        Endpoint(server.url, server.name, retries=0).check_model()


def test_a_body_that_drips_or_never_ends_is_bounded(
    server: OpenAIServer, asking: TextStages, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint(server.url, server.name, timeout=0.3, retries=1)
    server.rest = Fault(drip=0.05)

    def ask(client: Any) -> Any:
        return client.completions.create(model=server.name, prompt=[1], max_tokens=1)

    with pytest.raises(UserError, match=r"timed out.* \(2 tries\)"):
        endpoint.ask(ask)
    assert len(server.seen) == 2
    monkeypatch.setattr("suite.engines.endpoint.MOST_BYTES", 20)
    server.rest = Fault()
    with pytest.raises(UserError, match="the answer is not what the protocol says"):
        Endpoint(server.url, server.name, retries=1).ask(ask)
    assert len(server.seen) == 3


@pytest.mark.parametrize("key", ["sk-with a space", "sk-line\nend", "sk-ü"])
def test_a_key_that_cannot_be_sent_is_refused_unquoted(
    server: OpenAIServer, asking: TextStages, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="^OPENAI_API_KEY holds a space, a line end") as caught:
        Endpoint(server.url, server.name).check_model()
    assert "sk-" not in str(caught.value)
    assert server.seen == []
