"""Engine `openai` against vLLM's own server, on the CPU. Runs where vLLM is installed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.api.requests import Generate, Generated, Request, ScoreText, TextScore
from suite.engines.hf.engine import HFEngine
from suite.engines.openai import OpenAIConfig, OpenAIEngine
from suite.engines.vllm.engine import DEFAULTS
from tests.engines.small_models import QUESTIONS, asked

pytest.importorskip("vllm")
pytestmark = pytest.mark.slow

START_SECONDS = 900
NAME = "served-model"


@pytest.fixture(scope="module")
def url(trained_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """vLLM's server on a free port, until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    module = [
        sys.executable,
        "-m",
        "vllm.entrypoints.openai.api_server",
    ]  # `vllm serve` wants the package for CUDA
    command = [
        *module,
        "--model",
        str(trained_folder),
        "--served-model-name",
        NAME,
        "--dtype",
        "float32",
    ]
    command += [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--max-model-len",
        "256",
        "--enforce-eager",
    ]
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    environ = {**DEFAULTS, **os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
    with (
        log.open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env=environ) as server,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()


def _wait(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS):
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(health, timeout=1):
                return
        except OSError:
            time.sleep(1)
    raise AssertionError(f"no answer in {START_SECONDS} s: {log.read_text()[-2000:]}")


def test_vllms_server_answers_as_engine_hf_does(url: str, trained_folder: Path) -> None:
    config = OpenAIConfig(base_url=url, model=NAME)
    remote = OpenAIEngine(
        device="cpu", dtype="float32", template="chat", max_length=256, config=config
    )
    requests: list[Request] = [
        ScoreText(f"{i}/a", asked(q), a) for i, (q, a) in enumerate(QUESTIONS.items())
    ]
    requests += [Generate(f"{i}/t", asked(q), max_new_tokens=12) for i, q in enumerate(QUESTIONS)]
    remote.check(requests)
    remote.load(trained_folder)
    local = HFEngine("cpu", "float32")
    local.load(trained_folder)
    for ours, theirs in zip(remote.respond(requests), local.respond(requests), strict=True):
        if isinstance(ours, TextScore):
            scored = TextScore.of(theirs)
            assert ours.token_logps == pytest.approx(scored.token_logps, abs=1e-3)
            assert ours.greedy == scored.greedy
        else:
            written, expected = Generated.of(ours), Generated.of(theirs)
            assert (written.texts, written.finished) == (expected.texts, expected.finished)
    sampled = remote.respond(
        [Generate("s", asked("And?"), max_new_tokens=4, temperature=1.0, n=3, seed=5)]
    )
    assert len(sampled[0].texts) == 3
