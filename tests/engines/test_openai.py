"""Engine `openai` against a real HTTP server that answers from the same weights as engine hf."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.api.requests import Generate, Request, Response, ScoreText, TextScore
from suite.engines.hf.engine import HFEngine
from suite.engines.openai import OpenAIConfig, OpenAIEngine
from tests.engines.small_models import QUESTIONS, asked
from tests.servers.openai_server import (
    Fault,
    FolderModel,
    OpenAIServer,
    broken,
    garbage,
    rate_limited,
    slow,
)

SECRET = "sk-a-secret-that-must-stand-nowhere"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def server(trained_folder: Path) -> Iterator[OpenAIServer]:
    with OpenAIServer(FolderModel(trained_folder)) as running:
        yield running


def engine(server: OpenAIServer, folder: Path | None = None, **options: Any) -> OpenAIEngine:
    config = OpenAIConfig(base_url=server.url, model=server.name, **options)
    made = OpenAIEngine(
        device="cpu", dtype="float32", template="chat", max_length=256, config=config
    )
    if folder:
        made.load(folder)
    return made


def likelihoods() -> list[Request]:
    return [ScoreText(f"{i}/answer", asked(q), a) for i, (q, a) in enumerate(QUESTIONS.items())]


def generations(**options: Any) -> list[Request]:
    return [
        Generate(f"{i}/text", asked(q), max_new_tokens=12, **options)
        for i, q in enumerate(QUESTIONS)
    ]


def test_it_answers_what_engine_hf_answers_from_the_same_weights(
    server: OpenAIServer, trained_folder: Path
) -> None:
    requests = [*likelihoods(), *generations()]
    local = HFEngine("cpu", "float32")
    local.load(trained_folder)
    for ours, theirs in zip(
        engine(server, trained_folder).respond(requests), local.respond(requests), strict=True
    ):
        if isinstance(ours, TextScore):
            expected = TextScore.of(theirs).token_logps
            assert ours.token_logps == pytest.approx(expected, abs=1e-4)
            ours = replace(ours, token_logps=expected)
        assert ours == theirs


def test_the_chat_api_gives_the_same_texts(server: OpenAIServer, trained_folder: Path) -> None:
    by_ids = engine(server, trained_folder).respond(generations())
    assert engine(server, trained_folder, api="chat").respond(generations()) == by_ids
    assert any(response.texts[0] for response in by_ids)


def test_sampling_settings_reach_the_endpoint(server: OpenAIServer, trained_folder: Path) -> None:
    (request, *_) = generations(temperature=0.7, n=3, seed=11)
    (sampled,) = engine(server, trained_folder).respond([request])
    assert len(sampled.texts) == len(sampled.finished) == 3
    body = server.seen[-1][2]
    assert {name: body[name] for name in ("n", "temperature", "seed", "max_tokens")} == {
        "n": 3, "temperature": 0.7, "seed": 11, "max_tokens": 12,
    }  # fmt: skip
    (greedy,) = engine(server, trained_folder).respond([replace(request, temperature=0.0)])
    assert server.seen[-1][2]["n"] == 1
    assert greedy.texts == greedy.texts[:1] * 3


def test_an_endpoint_without_prompt_log_probabilities_is_refused_in_one_line(
    trained_folder: Path,
) -> None:
    with OpenAIServer(FolderModel(trained_folder, prompt_logprobs=False)) as server:
        asking = engine(server, trained_folder)
        with pytest.raises(
            UserError, match="gives no log-probabilities of a prompt .* --engine hf"
        ) as caught:
            asking.respond(likelihoods())
        assert "\n" not in str(caught.value)
        assert asking.respond(generations())


def test_the_chat_api_refuses_likelihoods_before_anything_is_asked(server: OpenAIServer) -> None:
    with pytest.raises(UserError, match="the chat API gives no log-probabilities"):
        engine(server, api="chat").check([*generations(), *likelihoods()])
    assert server.seen == []


def test_another_tokenizer_at_the_endpoint_is_noticed(
    server: OpenAIServer, trained_folder: Path
) -> None:
    echoed = server.served._echoed  # type: ignore[attr-defined]
    server.served._echoed = lambda ids: echoed([ids[0], ids[0], *ids])  # type: ignore[attr-defined]
    with pytest.raises(
        UserError, match=r"has \d+ tokens, but the endpoint gives the log-probabilities of \d+"
    ):
        engine(server, trained_folder).respond(likelihoods()[:1])


def test_a_missing_log_probability_is_nan_and_not_dropped(
    server: OpenAIServer, trained_folder: Path
) -> None:
    echoed = server.served._echoed  # type: ignore[attr-defined]

    def with_a_hole(ids: list[int]) -> dict[str, Any]:
        given = echoed(ids)
        given["token_logprobs"][-1] = given["top_logprobs"][-1] = None
        return dict(given)

    server.served._echoed = with_a_hole  # type: ignore[attr-defined]
    (response,) = engine(server, trained_folder).respond(likelihoods()[:1])
    assert [math.isnan(x) for x in response.token_logps] == [False] * (len(response.tokens) - 1) + [
        True
    ]
    assert response.greedy[-1] is False


def test_it_waits_as_long_as_retry_after_says_and_tries_again(
    server: OpenAIServer, trained_folder: Path
) -> None:
    (expected,) = engine(server, trained_folder).respond(generations()[:1])
    server.seen.clear()
    server.faults += [rate_limited(0.9), broken(), broken(503)]
    began = time.monotonic()
    (response,) = engine(server, trained_folder).respond(generations()[:1])
    assert response == expected
    assert len(server.seen) == 4
    assert time.monotonic() - began > 0.9


def test_it_gives_up_after_the_retries(server: OpenAIServer, trained_folder: Path) -> None:
    server.faults += [broken(500, "out of\nmemory")] * 9
    with pytest.raises(UserError, match=r"status 500 after 1 retries: .*out of.*memory") as caught:
        engine(server, trained_folder, retries=1).respond(generations()[:1])
    assert "\n" not in str(caught.value)
    assert len(server.seen) == 2


def test_a_refusal_that_will_not_change_is_not_tried_again(
    server: OpenAIServer, trained_folder: Path
) -> None:
    server.faults += [broken(400, "prompt is too long")]
    with pytest.raises(UserError, match="refused with status 400: .*prompt is too long"):
        engine(server, trained_folder).respond(generations()[:1])
    assert len(server.seen) == 1


def test_an_answer_that_takes_too_long_is_asked_for_again(
    server: OpenAIServer, trained_folder: Path
) -> None:
    server.faults += [slow(1.5)]
    (response,) = engine(server, trained_folder, timeout=0.5).respond(generations()[:1])
    assert response.finished
    assert len(server.seen) == 2
    server.faults += [slow(0.8)] * 2
    with pytest.raises(UserError, match=r"timed out.* \(2 tries\)"):
        engine(server, trained_folder, timeout=0.2, retries=1).respond(generations()[:1])


@pytest.mark.parametrize(
    "fault",
    [
        garbage(),
        garbage(b""),
        garbage(b"null"),
        garbage(b'{"choices": []}'),
        garbage(b'{"choices": [{"index": 0, "finish_reason": "stop"}]}'),
        garbage(b'{"choices": [{"index": 0, "text": null, "finish_reason": "stop"}]}'),
        Fault(content=b"<html>hello</html>", headers={"Content-Type": "text/html"}),
    ],
)
def test_garbage_is_one_line(server: OpenAIServer, trained_folder: Path, fault: Fault) -> None:
    server.faults.append(fault)
    with pytest.raises(UserError, match=r"the answer is not what the protocol says: ") as caught:
        engine(server, trained_folder).respond(generations()[:1])
    assert "\n" not in str(caught.value)


def test_fewer_texts_than_asked_for_are_one_line(
    server: OpenAIServer, trained_folder: Path
) -> None:
    one = {"index": 0, "text": "a", "finish_reason": "stop", "logprobs": None}
    server.faults.append(Fault(change={"choices": [one, {**one, "index": 1}]}))
    (request, *_) = generations(temperature=0.7, n=3, seed=11)
    with pytest.raises(UserError, match=r"3 texts were asked for, got \['a', 'a'\]") as caught:
        engine(server, trained_folder).respond([request])
    assert "\n" not in str(caught.value) and len(server.seen) == 1


def test_so_many_requests_wait_at_once_and_no_more(
    server: OpenAIServer, trained_folder: Path
) -> None:
    server.faults += [slow(0.2)] * len(QUESTIONS)
    engine(server, trained_folder, concurrency=3).respond(generations())
    assert server.most_at_once == 3


def test_an_error_stops_the_requests_that_have_not_begun(
    server: OpenAIServer, trained_folder: Path
) -> None:
    server.faults += [broken(400), slow(0.3)]
    with pytest.raises(UserError):
        engine(server, trained_folder, concurrency=1).respond(generations())
    assert len(server.seen) <= 2


def test_the_key_comes_from_the_environment_and_stands_nowhere(
    trained_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with OpenAIServer(FolderModel(trained_folder), key=SECRET) as server:
        asking = engine(server, trained_folder)
        assert isinstance(asking.respond(generations()[:1])[0], Response)
        assert server.seen[-1][1] == f"Bearer {SECRET}"
        assert SECRET not in repr((asking.identity(), asking.config, vars(asking)))
        server.faults += [broken(400, f"what is {SECRET}?")]
        with pytest.raises(UserError, match=r"what is \[key\]\?"):
            asking.respond(generations()[:1])
    with (
        OpenAIServer(FolderModel(trained_folder), key="another") as server,
        pytest.raises(
            UserError, match=r"refused the key \(401\); it is read from OPENAI_API_KEY"
        ) as caught,
    ):
        engine(server, trained_folder).check([])
    assert SECRET not in str(caught.value)


def test_the_models_name_is_checked_first(server: OpenAIServer) -> None:
    engine(server).check(generations())
    config = OpenAIConfig(base_url=server.url, model="servd-model")
    wrong = OpenAIEngine(
        device="cpu", dtype="float32", template="chat", max_length=256, config=config
    )
    with pytest.raises(UserError, match="unknown model 'servd-model'; did you mean 'served-model'"):
        wrong.check(generations())
    with pytest.raises(
        UserError, match=r"name the model at the endpoint: --set openai\.model=NAME"
    ):
        OpenAIEngine(device="cpu", dtype="float32", template="chat", max_length=256)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"http://user:{SECRET}@host/v1", "base_url must be a bare address"),
        (f"https://host/v1?key={SECRET}", "base_url must be a bare address"),
        ("localhost:8000", "base_url is 'localhost:8000', but should be an address"),
        ("ftp://host", "should be an address"),
        ("http://[::1", "is not an address"),
    ],
)
def test_an_address_that_could_not_stand_in_a_report_is_refused(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        OpenAIConfig(base_url=url)
    assert SECRET not in str(caught.value)


def test_nobody_there_is_one_line(trained_folder: Path) -> None:
    with OpenAIServer(FolderModel(trained_folder)) as server:
        gone = engine(server, retries=0)
    with pytest.raises(UserError, match=r"http://127.0.0.1:\d+/v1: Connection error\. \(1 tries\)"):
        gone.check([])


@dataclass(frozen=True)
class Strange(Request):
    """A kind that no engine here knows."""

    kind = "embed"


def test_an_unknown_kind_of_request_is_refused_before_anything_is_sent(
    server: OpenAIServer, trained_folder: Path
) -> None:
    strange = Strange("q/1", asked("?"))
    asking = engine(server, trained_folder)
    for refused in (asking.check, asking.respond):
        with pytest.raises(
            UserError, match="engine openai: request 'q/1': unknown request kind 'embed'"
        ):
            refused([*generations(), strange])
    assert server.seen == []
