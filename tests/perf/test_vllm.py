"""vLLM's start and throughput: four checkpoints through one engine against four engines; TOFU's questions against hf.

SUITE_SMOLLM2=<model folder> pytest -m perf -s tests/perf/test_vllm.py
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import pytest

from suite.benchmark import Message, Request
from suite.engines import Engine
from suite.engines.hf import HFEngine
from suite.engines.vllm import VLLMEngine
from suite.tiny import world

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `tox run -e vllm`"),
]
CHECKPOINTS = 4


def questions(rows: list[dict[str, str]], n: int, new_tokens: int) -> list[Request]:
    """Generation requests without a guess: both engines decode every token."""
    return [
        Request(str(i), "generate", (Message("user", row["question"]),), max_new_tokens=new_tokens)
        for i, row in enumerate(rows[:n])
    ]


def seconds(engine: Engine, folder: Path, requests: list[Request]) -> float:
    """Loading a checkpoint and answering."""
    begin = time.perf_counter()
    engine.load(folder)
    assert len(engine.respond(requests)) == len(requests)
    return time.perf_counter() - begin


def test_four_checkpoints_cost_one_start(tiny_folder: Path) -> None:
    requests = questions(list(world.tables("forget10")), 40, 64)
    one = VLLMEngine("cpu", "float32")
    first, *others = (seconds(one, tiny_folder, requests) for _ in range(CHECKPOINTS))
    fresh = [first, seconds(VLLMEngine("cpu", "float32"), tiny_folder, requests)]
    together, apart = first + sum(others), CHECKPOINTS * sum(fresh) / len(fresh)
    each = sum(others) / len(others)
    print(
        f"\n4 checkpoints: {together:.1f} s through one engine ({each:.2f} s each but the first), {apart:.1f} s apart"
    )
    assert together < 1.15 * (fresh[1] + 3 * each) or together < 0.4 * apart


def test_throughput_on_tofu_questions(smollm2: Path, shared: Path) -> None:
    lines = (shared / "data/tofu/forget01_perturbed.json").read_text().splitlines()
    requests = questions([json.loads(line) for line in lines], 24, 48)
    took = {}
    for engine in (HFEngine("cpu", "float32"), VLLMEngine("cpu", "float32")):
        engine.load(smollm2)
        engine.respond(requests[:2])
        begin = time.perf_counter()
        engine.respond(requests)
        took[engine.name] = time.perf_counter() - begin
    print(f"\n24 TOFU questions, up to 48 tokens: hf {took['hf']:.1f} s, vllm {took['vllm']:.1f} s")
    assert took["vllm"] < 3 * took["hf"]
