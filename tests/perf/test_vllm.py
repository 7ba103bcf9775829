"""Real vLLM's start and throughput: four checkpoints through one engine against four engines, and
TOFU against hf.

    tox run -e vllm -- -m perf tests/perf/test_vllm.py
    (SUITE_SMOLLM2=<model folder>: no download)

Checkpoints differ, and an engine that took them over must answer as one that was started with them.
Compared are CPU seconds of both processes, which a busy machine hardly changes; OMP_NUM_THREADS=1
keeps waiting threads out of them.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
import torch

from suite.api.data import Message
from suite.api.engine import Engine
from suite.api.requests import Generate, Request
from suite.engines.hf.engine import HFEngine
from suite.engines.vllm.engine import VLLMEngine

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(
        importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `tox run -e vllm`"
    ),
]
CHECKPOINTS = 4
ASKED = 40
NEW_TOKENS = 48


@pytest.fixture(scope="module")
def requests(shared: Path) -> list[Request]:
    """TOFU's generation requests, with the answer as a guess, as the benchmark makes them; two
    rounds of them."""
    rows = [
        json.loads(line) for line in (shared / "data/tofu/forget05.json").read_text().splitlines()
    ]
    return [
        Generate(str(i), (Message("user", row["question"]),), row["answer"], NEW_TOKENS)
        for i, row in enumerate(rows[: 2 * ASKED])
    ]


@pytest.fixture(scope="module")
def checkpoints(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same model, one layer weaker each time."""
    from suite.model import folder as models

    model, tokenizer = models.load_model(smollm2), models.load_tokenizer(smollm2)
    folders = [tmp_path_factory.mktemp(f"checkpoint{i}") for i in range(CHECKPOINTS)]
    for folder in folders:
        with torch.no_grad():
            model.model.layers[15].mlp.down_proj.weight.mul_(0.8)
        models.save_model(model, tokenizer, folder)
    return folders


def spent(engine: Engine) -> float:
    """CPU seconds of this process, and of vLLM's since its start."""
    child = getattr(engine, "_child", None)
    times = psutil.Process(child.process.pid).cpu_times() if child else None
    return time.process_time() + (times.user + times.system if times else 0.0)


def answered(engine: Engine, requests: Sequence[Request]) -> tuple[float, list[str]]:
    """CPU seconds, and the texts."""
    begin = spent(engine)
    responses = engine.respond(requests)
    return spent(engine) - begin, [response.texts[0] for response in responses]


def visit(
    engine: Engine, folder: Path, requests: Sequence[Request]
) -> tuple[float, float, list[str]]:
    """CPU seconds to load, CPU seconds to answer, the texts."""
    begin = spent(engine)
    engine.load(folder)
    return spent(engine) - begin, *answered(engine, requests)


def test_four_checkpoints_cost_one_start(checkpoints: list[Path], requests: list[Request]) -> None:
    asked = requests[:ASKED]
    one = VLLMEngine("cpu", "float32")
    through_one = [visit(one, folder, asked) for folder in checkpoints]
    del one
    apart = [visit(VLLMEngine("cpu", "float32"), folder, asked) for folder in checkpoints[1:]]
    apart = [through_one[0], *apart]
    together, four_starts = (
        sum(load + answer for load, answer, _ in visits) for visits in (through_one, apart)
    )
    one_start = through_one[0][0] + sum(answer for _, answer, _ in through_one)
    equal = sum(
        a == b
        for x, y in zip(through_one, apart, strict=True)
        for a, b in zip(x[2], y[2], strict=True)
    )
    print(
        f"\n{CHECKPOINTS} checkpoints, {ASKED} questions each, CPU seconds: {together:.1f} "
        "through one engine (loads: "
        f"{', '.join(f'{load:.1f}' for load, *_ in through_one)}), {four_starts:.1f} with a "
        "start each (loads: "
        f"{', '.join(f'{load:.1f}' for load, *_ in apart)}); one start and four evaluations: "
        f"{one_start:.1f}; "
        f"{equal} of {CHECKPOINTS * ASKED} texts equal"
    )
    assert len({tuple(texts) for *_, texts in through_one}) == CHECKPOINTS
    assert equal >= 0.98 * CHECKPOINTS * ASKED
    assert together < 1.15 * one_start
    assert together < four_starts


def test_throughput_on_tofu_s_questions(smollm2: Path, requests: list[Request]) -> None:
    """Two rounds, each with questions of its own (vLLM remembers prompts), the engines in turn."""
    hf, vllm = HFEngine("cpu", "float32"), VLLMEngine("cpu", "float32")
    hf.load(smollm2)
    vllm.load(smollm2)
    ratios = []
    for asked in (requests[:ASKED], requests[ASKED:]):
        (slow, theirs), (fast, ours) = answered(hf, asked), answered(vllm, asked)
        equal = sum(a == b for a, b in zip(ours, theirs, strict=True))
        tokens = sum(len(ids) for ids in hf.encoder.tokenizer(theirs)["input_ids"])
        print(
            f"\n{len(asked)} TOFU questions, {tokens} new tokens, CPU: hf {slow:.1f} s "
            f"({tokens / slow:.0f} tokens/s), "
            f"vllm {fast:.1f} s ({tokens / fast:.0f} tokens/s), {slow / fast:.2f} times as fast; "
            f"{equal} texts equal"
        )
        assert equal >= 0.9 * len(asked)
        ratios.append(slow / fast)
    assert max(ratios) > 1 / 3
