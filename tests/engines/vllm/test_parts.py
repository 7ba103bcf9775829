"""What surrounds vLLM, without vLLM: messages, the child process, cached values taken over,
fingerprints."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from suite.api.requests import Generate, Request, ScoreText
from suite.core.errors import UserError
from suite.engines.hf.engine import HFEngine
from suite.engines.vllm.child import Child
from suite.engines.vllm.engine import VLLMEngine, known_ids
from suite.engines.vllm.fingerprint import Fingerprint
from suite.engines.vllm.items import Asked, ask
from suite.engines.vllm.messages import receive, send
from suite.engines.vllm.worker import sampling
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.folder import load_encoder
from tests.engines.small_models import asked
from tests.model.families import build

WORKER = "suite.engines.vllm.worker"
PARENT = f"""
import os, signal, sys
from suite.engines.vllm.child import Child
child = Child("{WORKER}", os.environ)
print(child.process.pid, flush=True)
signal.pause()
"""


def gone(pid: int, seconds: float = 20) -> bool:
    """Whether the process ends within the time (a zombie has ended)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("message", [{"x": math.nan}, {"text": "ü" * 3_000_000}, {}])
def test_messages_arrive_whole(message: dict[str, Any]) -> None:
    left, right = socket.socketpair()
    with closing(left), closing(right):
        if not os.fork():
            send(left, message)
            os._exit(0)
        arrived = receive(right)
    assert repr(arrived) == repr(message)


def test_a_closed_connection_is_the_end() -> None:
    left, right = socket.socketpair()
    left.sendall(b"\0\0\0\x09{")  # nine bytes announced, one sent
    left.close()
    assert receive(right) is None
    assert receive(right) is None
    right.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the child on Linux only")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_dies_with_its_parent(number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)  # it is there
    parent.send_signal(number)
    parent.wait()
    assert gone(child)


def test_no_answer_in_time_is_an_error_and_leaves_no_child() -> None:
    child = Child(WORKER, os.environ)
    os.kill(child.process.pid, signal.SIGSTOP)  # it hangs
    with pytest.raises(UserError, match=r"load: no answer within 0\.2 s"):
        child.call("load", 0.2, folder="x", known=[])
    assert gone(child.process.pid)


def test_what_goes_wrong_in_the_child_is_told_and_leaves_no_child() -> None:
    child = Child(WORKER, os.environ)
    with pytest.raises(UserError, match=r"load: AttributeError.*It wrote last:(.|\n)*Traceback"):
        child.call("load", 60, folder="x", known=[])  # before any start
    assert gone(child.process.pid)


COUNTING = """
import socket, sys
from suite.engines.vllm import worker as vllm_worker

class Counting(vllm_worker.Worker):
    def answer(self, items):
        yield from ({"index": i} for i in items)
        yield {"done": True}

vllm_worker.Worker = Counting
vllm_worker.serve(socket.socket(fileno=int(sys.argv[1])))
"""


def test_a_stream_that_was_left_early_does_not_end_the_next(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    child = Child("counting", {**os.environ, "PYTHONPATH": str(tmp_path)})
    left = child.stream("answer", items=[1, 2, 3])
    assert next(left)["index"] == 1
    left.close()
    assert [reply.get("index") for reply in child.stream("answer", items=[4, 5])] == [4, 5, None]
    child.close()


def test_a_child_that_dies_is_noticed() -> None:
    child = Child(WORKER, os.environ)
    os.kill(child.process.pid, signal.SIGKILL)
    with pytest.raises(UserError, match="load: its process ended"):
        child.call("load", 60, folder="x", known=[])


class Cached:
    """A child whose prefix cache holds the first `cached` tokens of every text but the first that
    it reads."""

    def __init__(self, cached: int) -> None:
        self.cached, self.asked = cached, []

    def stream(self, op: str, items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for index, item in enumerate(items):
            start = len(item["ids"]) - item["scored"]
            first = not self.asked
            self.asked.append(dict(item))
            missing = 0 if first or item["fresh"] else max(0, self.cached - start + 1)
            ids = item["ids"][start + missing :]
            yield {
                "index": index,
                "missing": missing,
                "logps": [-i / 8 for i in ids],
                "ranks": [i % 2 for i in ids],
            }
        yield {"done": True}


def text(name: str, *completion: int) -> Asked:
    prompt = (1, 2, 3)
    request = ScoreText(name, asked("?"), "")
    item = {"ids": prompt + completion, "scored": len(completion), "fresh": False}
    return Asked(request, prompt, item, completion)


def test_values_of_cached_tokens_come_from_the_text_that_computed_them() -> None:
    texts = [text("a", 10, 11, 12), text("b", 10, 11, 13), text("c", 10, 14)]
    child = Cached(4)  # two completion tokens have no value of their own
    answers = {r.id: r for r in ask(child, texts, None)}
    assert {name: r.tokens for name, r in answers.items()} == {
        t.request.id: t.completion for t in texts
    }
    for response in answers.values():
        assert response.token_logps == tuple(-i / 8 for i in response.tokens)
        assert response.greedy == tuple(i % 2 == 1 for i in response.tokens)
    assert [item["fresh"] for item in child.asked] == [
        False,
        False,
        False,
        True,
    ]  # 10, 14: no sibling has it
    assert child.asked[-1]["ids"] == (1, 2, 3, 10, 14)


def encoder_of(folder: Path) -> Encoder:
    return load_encoder(folder, "chat", 256)


def test_padding_of_the_vocabulary_is_never_sampled(random_folder: Path, tmp_path: Path) -> None:
    tokenizer = models.load_tokenizer(random_folder)
    assert known_ids(random_folder, tokenizer) == []
    models.save_model(build("gemma3", vocab_size=len(tokenizer) + 10), tokenizer, tmp_path)
    known = known_ids(tmp_path, tokenizer)
    assert known == list(range(len(tokenizer)))
    generate = Asked.of(Generate("g", asked("?")), encoder_of(random_folder), 256, frozenset({2}))
    assert sampling(generate.item, known)["allowed_token_ids"] == known
    assert "allowed_token_ids" not in sampling(generate.item, [])
    score = Asked.of(ScoreText("s", asked("?"), "A."), encoder_of(random_folder), 256, frozenset())
    assert set(sampling(score.item, known)) == {
        "max_tokens",
        "temperature",
        "prompt_logprobs",
        "skip_reading_prefix_cache",
    }


@dataclass(frozen=True)
class Strange(Request):
    """A kind that no engine here knows."""

    kind = "embed"


def test_an_unknown_kind_of_request_is_refused(random_folder: Path) -> None:
    strange = Strange("q/1", asked("?"))
    refusal = "engine vllm: request 'q/1': unknown request kind 'embed'"
    engine = VLLMEngine("cpu", "float32")
    with pytest.raises(UserError, match=refusal):
        engine.check([strange])
    with pytest.raises(UserError, match=refusal):
        Asked.of(strange, encoder_of(random_folder), 256, frozenset())


@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-5), ("bfloat16", 0.05)])
@pytest.mark.parametrize("weights", ["random", "trained"])
def test_the_expected_fingerprint_is_what_engine_hf_answers(
    weights: str, dtype: str, rounding: float, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(f"{weights}_folder")
    expected = Fingerprint.of_training(folder, "cpu", dtype, encoder_of(folder))
    hf = HFEngine("cpu", dtype)
    hf.load(folder)
    measured = expected.answered_by(hf)
    measured.check(expected, None, dtype)
    assert measured.logps == pytest.approx(expected.logps, abs=rounding)
    assert measured.differences["tokens"] == len(expected.logps) > 10


def test_other_weights_are_noticed() -> None:
    old, new = Fingerprint((-1.0, -2.0)), Fingerprint((-1.001, -2.0))
    before = Fingerprint((-1.0001, -2.0), old.logps)
    replace(before, logps=(-1.0011, -2.0), expected=new.logps).check(new, before, "float32")
    with pytest.raises(RuntimeError, match="still answers from the weights"):
        replace(before, expected=new.logps).check(new, before, "float32")
    with pytest.raises(RuntimeError, match="differ by 0.5 nats"):
        Fingerprint((-2.0, -2.0), old.logps).check(old, None, "float32")
    with pytest.raises(RuntimeError, match="differ by inf nats"):
        Fingerprint((math.nan, -2.0), old.logps).check(old, None, "float32")


def test_a_model_that_is_broken_itself_is_not_the_engine_s_fault() -> None:
    broken = Fingerprint((math.nan, math.nan))
    measured = Fingerprint((math.nan, math.nan), broken.logps)
    measured.check(broken, None, "float32")
    assert measured.differences["tokens"] == 0
