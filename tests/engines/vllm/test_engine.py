"""Real vLLM against the hf engine: `tox run -e vllm`."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from suite.api.requests import Generate, Request, Response, ScoreText
from suite.core.errors import UserError
from suite.engines.hf.engine import HFEngine
from suite.engines.vllm.engine import VLLMConfig, VLLMEngine
from tests.engines.small_models import QUESTIONS, asked
from tests.engines.vllm.test_parts import gone
from tests.run.conftest import write_tables

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `tox run -e vllm`"
    ),
]

WRONG = [
    "Nobody knows.",
    "It was written by somebody else altogether, a long time ago.",
    "It was written by nobody.",
]
ROUNDING = 1e-3
"""Two logits closer than this (nats) may change places between two ways of computing in fp32."""


def likelihoods() -> list[Request]:
    return [
        ScoreText(f"{q}/{i}", asked(q), text)
        for q, answer in QUESTIONS.items()
        for i, text in enumerate([answer, *WRONG])
    ]


def generations(**options: Any) -> list[Request]:
    options = {"max_new_tokens": 24, **options}
    return [Generate(f"{q}/generated", asked(q), **options) for q in QUESTIONS]


@pytest.fixture(scope="module")
def other_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other weights of the same architecture."""
    from suite.model import folder as models

    folder = tmp_path_factory.mktemp("other")
    model = models.load_model(tiny_folder)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.25)
    models.save_model(model, models.load_tokenizer(tiny_folder), folder)
    return folder


@pytest.fixture(scope="module")
def running() -> Iterator[VLLMEngine]:
    """One engine for all tests: that it serves them all is what it is for."""
    engine = VLLMEngine("cpu", "float32")
    yield engine
    if engine._child:
        engine._child.close()


@pytest.fixture
def engine(running: VLLMEngine, tiny_folder: Path) -> VLLMEngine:
    running.load(tiny_folder)
    return running


def hf(folder: Path) -> HFEngine:
    engine = HFEngine("cpu", "float32")
    engine.load(folder)
    return engine


def difference(ours: list[Response], theirs: list[Response]) -> float:
    pairs = [
        (x, y)
        for a, b in zip(ours, theirs, strict=True)
        for x, y in zip(a.token_logps, b.token_logps, strict=True)
    ]
    return max(abs(x - y) for x, y in pairs)


def check_greedy_texts(ours: list[Response], theirs: HFEngine, requests: list[Request]) -> int:
    """Texts must be equal, or part where the best two tokens are closer than rounding; how many
    part."""
    parted = 0
    for request, mine, other in zip(requests, ours, theirs.respond(requests), strict=True):
        if mine.texts == other.texts:
            assert mine.finished == other.finished
            continue
        parted += 1
        prompt = theirs.encoder.encode_prompt(request.prompt)
        a, b = (
            theirs.encoder.tokenizer(r.texts[0], add_special_tokens=False)["input_ids"]
            for r in (mine, other)
        )
        same = next(i for i in range(max(len(a), len(b))) if a[i : i + 1] != b[i : i + 1])
        with torch.no_grad():
            best = (
                theirs.model(torch.tensor([[*prompt, *a[:same]]]))
                .logits[0, -1]
                .log_softmax(-1)
                .topk(2)
                .values
            )
        assert float(best[0] - best[1]) < ROUNDING, (
            f"{request.id}: {mine.texts} is not {other.texts}"
        )
    return parted


def test_it_answers_as_the_hf_engine_does(engine: VLLMEngine, tiny_folder: Path) -> None:
    plain = hf(tiny_folder)
    scored, expected = engine.respond(likelihoods()), plain.respond(likelihoods())
    assert difference(scored, expected) < 1e-4
    assert [(r.id, r.tokens, r.greedy) for r in scored] == [
        (r.id, r.tokens, r.greedy) for r in expected
    ]
    assert check_greedy_texts(engine.respond(generations()), plain, generations()) == 0
    agreement = engine.agreement()
    assert agreement is not None and 0 < agreement["mean"] <= agreement["max"] < 1e-4


def test_one_engine_serves_many_checkpoints(
    engine: VLLMEngine, tiny_folder: Path, other_folder: Path
) -> None:
    requests = likelihoods() + generations()
    process = engine._child and engine._child.process.pid
    before = engine.respond(requests)
    engine.load(other_folder)
    after = engine.respond(requests)
    assert difference(after[: len(likelihoods())], hf(other_folder).respond(likelihoods())) < 1e-4
    assert difference(before[: len(likelihoods())], after[: len(likelihoods())]) > 0.1
    engine.load(tiny_folder)
    assert engine.respond(requests) == before
    assert engine._child and engine._child.process.pid == process


def test_answers_of_one_prompt_share_its_computation_and_stay_right(
    engine: VLLMEngine, tiny_folder: Path
) -> None:
    """Long prompts, so that whole cache blocks are shared, and answers that begin alike, beyond the
    prompt's end."""
    assert engine._child is not None
    prompt = asked("Where was she born? " * 6)
    begun = (
        "She was born in a small town on the coast, where her mother was a teacher and her father"
    )
    answers = [
        f"{begun} {end}"
        for end in ("a baker.", "a judge.", "a sailor.", "unknown.", "a smith.", "away.", "ill.")
    ]
    requests = [ScoreText(str(i), prompt, answer) for i, answer in enumerate(answers)]
    assert difference(engine.respond(requests), hf(tiny_folder).respond(requests)) < 1e-4
    from suite.engines.vllm.items import Asked

    items = [Asked.of(r, engine.encoder, engine.context, engine.eos_ids).item for r in requests]
    replies = [r for r in engine._child.stream("answer", items=items) if "done" not in r]
    assert (
        sum(r["missing"] > 0 for r in replies) >= 6
    )  # the cache was read, beyond the prompt's end
    assert engine.respond(requests[:1])[0].token_logps == pytest.approx(
        engine.respond(requests)[0].token_logps, abs=1e-5
    )


def test_samples_follow_the_request_s_seed(engine: VLLMEngine) -> None:
    requests = generations(temperature=1.0, n=3, seed=5)
    first = engine.respond(requests)
    assert all(len(set(r.texts)) == 3 and len(r.finished) == 3 for r in first)
    assert engine.respond(requests) == first
    assert engine.respond(requests[1:2]) == first[1:2]
    assert engine.respond(generations(temperature=1.0, n=3, seed=6)) != first
    same_prompt = [replace(requests[0], id="other")]
    assert engine.respond(same_prompt)[0].texts != first[0].texts
    greedy = engine.respond(generations(n=2))
    assert [r.texts for r in greedy] == [r.texts * 2 for r in engine.respond(generations())]


def test_sampled_first_tokens_follow_the_model(engine: VLLMEngine, tiny_folder: Path) -> None:
    n, plain = 1000, hf(tiny_folder)
    request = Generate("r", asked("And?"), max_new_tokens=1, temperature=0.5, n=n)
    response = engine.respond([request])[0]
    assert response.texts == tuple(plain.encoder.decode(ids) for ids in response.sampled)
    with torch.no_grad():
        logits = plain.model(torch.tensor([plain.encoder.encode_prompt(request.prompt)])).logits[
            0, -1
        ]
    p = (logits / 0.5).softmax(-1)
    drawn = torch.bincount(torch.tensor([ids[0] for ids in response.sampled]), minlength=len(p)) / n
    likely = p.topk(5).indices
    assert ((drawn - p)[likely].abs() < 4 * (p * (1 - p) / n).sqrt()[likely]).all(), (
        drawn[likely],
        p[likely],
    )


def test_nan_is_returned_not_dropped(engine: VLLMEngine, tiny_folder: Path, tmp_path: Path) -> None:
    from suite.model import folder as models

    folder = tmp_path / "broken"
    model = models.load_model(tiny_folder)
    with torch.no_grad():
        model.model.norm.weight.fill_(math.nan)
    models.save_model(model, models.load_tokenizer(tiny_folder), folder)
    engine.load(folder)
    answers = engine.respond(likelihoods())
    assert all(math.isnan(x) for r in answers for x in r.token_logps)
    assert not any(g for r in answers for g in r.greedy)
    assert len(engine.respond(generations())) == len(generations())


def test_an_id_that_is_no_token_is_never_sampled(
    engine: VLLMEngine, tiny_folder: Path, tmp_path: Path
) -> None:
    from suite.model import folder as models

    tokenizer, model = models.load_tokenizer(tiny_folder), models.load_model(tiny_folder)
    known = len(tokenizer)
    model.resize_token_embeddings(known + 10, mean_resizing=False)
    with torch.no_grad():  # an eleventh of the choices, each far from 0: padding is likely
        model.get_output_embeddings().weight[known:] *= 200.0
        likely = model(torch.arange(3, 40)[None]).logits.argmax(-1)
    assert (likely >= known).any()
    models.save_model(model, tokenizer, tmp_path / "padded")
    engine.load(tmp_path / "padded")
    answers = engine.respond(generations(temperature=1.0, n=8))
    sampled = [ids for answer in answers for ids in answer.sampled]
    assert sampled
    assert max(max(ids) for ids in sampled) < known


def test_the_context_is_used_to_its_last_token(engine: VLLMEngine, tiny_folder: Path) -> None:
    filled = len(engine.encoder.encode_prompt(asked("And?")))
    question = "And?" + " born" * (engine.context - filled - 8)
    prompt = engine.encoder.encode_prompt(asked(question))
    room = engine.context - len(prompt)
    assert 0 < room < 20
    generated = Generate("g", asked(question), max_new_tokens=50)
    scored = ScoreText("s", asked(question), " born" * (room - 1))
    assert len(engine.encoder.encode(scored.prompt, scored.completion)) == engine.context
    plain = hf(tiny_folder)
    assert check_greedy_texts(engine.respond([generated]), plain, [generated]) == 0
    assert difference(engine.respond([scored]), plain.respond([scored])) < 1e-4
    with pytest.raises(UserError, match="'g': its prompt fills the context"):
        engine.respond([replace(generated, prompt=asked(question + " born" * 20))])


def test_a_stream_may_be_left_early(engine: VLLMEngine) -> None:
    stream = engine.stream(generations())
    next(stream)
    stream.close()
    assert [r.id for r in engine.respond(likelihoods())] == [r.id for r in likelihoods()]


def test_weights_that_did_not_arrive_are_noticed(
    engine: VLLMEngine, other_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine._child is not None
    with monkeypatch.context() as patch:
        patch.setattr(engine._child, "call", lambda *args, **kwargs: {"done": True})
        with pytest.raises(
            RuntimeError, match="still answers from the weights that were loaded before"
        ):
            engine.load(other_folder)


def test_a_start_that_takes_too_long_is_an_error_and_leaves_no_child(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite.engines.vllm import child

    started: list[int] = []
    popen = subprocess.Popen

    def noting(*args: Any, **kwargs: Any) -> Any:
        process = popen(*args, **kwargs)
        started.append(process.pid)
        return process

    monkeypatch.setattr(child.subprocess, "Popen", noting)
    engine = VLLMEngine("cpu", "float32", config=VLLMConfig(start_seconds=1.0))
    with pytest.raises(UserError, match="start: no answer within 1 s"):
        engine.load(tiny_folder)
    assert len(started) == 1 and gone(started[0])


def test_smollm2_in_float32_decodes_as_the_hf_engine_does(smollm2: Path) -> None:
    engine, plain = VLLMEngine("cpu", "float32"), hf(smollm2)
    engine.load(smollm2)
    requests = generations(max_new_tokens=40)
    parted = check_greedy_texts(engine.respond(requests), plain, requests)
    gap = difference(engine.respond(likelihoods()), plain.respond(likelihoods()))
    print(
        f"SmolLM2-135M, fp32: {parted} of {len(requests)} texts part; log-probabilities differ "
        f"by {gap:.1e} at most"
    )
    assert gap < 5e-3
    assert engine._child is not None
    engine._child.close()


def test_kill_9_leaves_no_engine_and_the_next_run_asks_nothing_twice(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """Killed with one chunk of two answered. An answer of that chunk is changed, to see whether it
    is asked again."""
    store, out = tmp_path / "store", tmp_path / "out"
    world = write_tables(tmp_path / "world")
    flags = f"--methods ga --bench tofu --engine vllm --model {tiny_folder} --data {world}"
    flags += " --dtype float32 --set tofu.retain_authors=3 --set finetune.epochs=1"
    flags += f" --set train.epochs=1 --out {out}"
    command = [sys.executable, "-m", "suite.cli", "run", *flags.split(), "--store", str(store)]
    broken = subprocess.Popen(command, env={**os.environ, "SUITE_FAULT": "respond.chunk:2=kill"})
    started: set[int] = set()
    while broken.poll() is None:
        with suppress(psutil.NoSuchProcess):
            started |= {child.pid for child in psutil.Process(broken.pid).children(recursive=True)}
        time.sleep(0.1)
    assert broken.returncode == -signal.SIGKILL and started
    assert all(gone(pid) for pid in started)

    (kept,) = (store / "scratch").rglob("responses.jsonl")
    (chunk,) = map(json.loads, kept.read_text().splitlines())
    next(answer for answer in chunk if "texts" in answer)["texts"] = ["Kept from before."]
    kept.write_text(json.dumps(chunk) + "\n")
    resumed = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert resumed.returncode == 0, resumed.stderr
    samples = "".join(path.read_text() for path in (out / "samples").glob("*.jsonl"))
    assert samples.count("Kept from before.") == 1
    assert (
        "log-probabilities of vllm against the training stack"
        in (out / "leaderboard.md").read_text()
    )
