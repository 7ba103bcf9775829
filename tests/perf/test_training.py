"""One optimiser step of NPO with retain loss, against the plain way, in one run.

    pytest -m perf -s tests/perf/test_training.py        (SUITE_SMOLLM2 may name a model folder)

Plain: policy forward with full logits on forget and retain, reference forward every step, rows
padded in data order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import Message, Row, losses
from suite.api.data import Encoded
from suite.model import folder as models
from suite.model import hardware
from suite.model.encoding import Encoder
from suite.model.hardware import autocast
from suite.model.reference import References, compute, save
from suite.registry import Registry
from suite.train.encoded import encode_rows
from suite.train.sampling import micro_batches
from tests.perf.plain import load, pad
from tests.perf.steps import state_of, timed

pytestmark = pytest.mark.perf
ROWS, BETA = 8, 0.1


@pytest.fixture(scope="module")
def step(shared: Path, smollm2: Path) -> dict[str, list[Encoded]]:
    """8 forget and 8 retain rows of TOFU, as a shuffled epoch would draw them."""
    encoder = Encoder(models.load_tokenizer(smollm2))

    def rows(name: str) -> list[Encoded]:
        lines = [
            json.loads(x) for x in (shared / f"data/tofu/{name}.json").read_text().splitlines()
        ]
        drawn = torch.randperm(len(lines), generator=torch.Generator().manual_seed(7))[
            :ROWS
        ].tolist()
        picked = [
            Row(str(i), (Message("user", lines[i]["question"]),), lines[i]["answer"]) for i in drawn
        ]
        return encode_rows(picked, encoder)

    return {"forget": rows("forget01"), "retain": rows("retain99")}


def plain_logps(model: Any, texts: list[Encoded]) -> torch.Tensor:
    """Full logits over prompt, completion and padding; (N,) completion log-probabilities."""
    batch = pad(texts)
    logits = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.float()
    logps = logits[:, :-1].log_softmax(-1).gather(2, batch.input_ids[:, 1:, None])[..., 0]
    padded = torch.cat([logps, logps.new_zeros(len(texts), 1)], dim=1)
    return padded.flatten()[batch.positions]


def plain_step(model: Any, reference: Any, optimizer: Any, step: dict[str, list[Encoded]]) -> float:
    rows = pad(step["forget"]).rows
    logps = torch.zeros(ROWS).index_add(0, rows, plain_logps(model, step["forget"]))
    with torch.no_grad():
        ref_logps = torch.zeros(ROWS).index_add(0, rows, plain_logps(reference, step["forget"]))
    loss = (
        losses.npo(logps, ref_logps, beta=BETA).mean() - plain_logps(model, step["retain"]).mean()
    )
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def ours(
    smollm2: Path, step: dict[str, list[Encoded]], dtype: str, folder: Path
) -> Callable[[], float]:
    """A function that takes one step of npo_rt as `suite.train.loop` does."""
    registry = Registry.load()
    method_class = registry.method("npo_rt")
    method = method_class(method_class.Config(beta=BETA))
    model = models.load_model(smollm2)
    save(compute(model, step["forget"], autocast(dtype, "cpu"), hidden=False, pad_id=0), folder)
    references = References()
    references.add("forget", folder, step["forget"])
    state = state_of(model, list(model.parameters()), dtype)
    return lambda: method.train_step(state, list(micro_batches(step, 0, 0, references))).loss


def matmul_peak(dtype: torch.dtype) -> float:
    """FLOP/s of a matrix product of a training step's shape."""
    a, b = torch.randn(640, 576, dtype=dtype), torch.randn(576, 1536, dtype=dtype)
    a @ b
    begin = time.perf_counter()
    for _ in range(200):
        a @ b
    return 200 * 2 * 640 * 576 * 1536 / (time.perf_counter() - begin)


def step_flops(model: Any, step: dict[str, list[Encoded]]) -> float:
    """Products of one step: forward once, backward twice; the projection at completion tokens
    only."""
    body = sum(p.numel() for n, p in model.named_parameters() if "embed" not in n)
    head = model.get_output_embeddings().weight.numel()
    texts = [t for rows in step.values() for t in rows]
    return 6.0 * (body * sum(map(len, texts)) + head * sum(len(t.completion_ids) for t in texts))


def test_step_of_npo_with_retain_loss(
    smollm2: Path,
    step: dict[str, list[Encoded]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    model, reference = load(smollm2), load(smollm2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    flops = step_flops(model, step)
    plain_loss, plain, _ = timed(lambda: plain_step(model, reference, optimizer, step))
    loss32, seconds32, _ = timed(ours(smollm2, step, "float32", tmp_path))
    loss16, seconds16, _ = timed(ours(smollm2, step, "bfloat16", tmp_path))
    figures = {
        "plain_seconds": plain,
        "fp32_ratio": plain / seconds32,
        "bf16_ratio": plain / seconds16,
        "fp32_share_of_matmul_peak": flops / seconds32 / matmul_peak(torch.float32),
        "bf16_share_of_matmul_peak": flops / seconds16 / matmul_peak(torch.bfloat16),
        "loss_gap_fp32": abs(loss32 - plain_loss),
        "loss_gap_bf16": abs(loss16 - plain_loss),
    }
    for name, value in figures.items():
        record_property(name, value)
        print(f"{name:28} {value:.4g}")
    assert figures["loss_gap_fp32"] < 1e-4
    assert figures["fp32_ratio"] >= 1.6
    if hardware.native_bf16("cpu"):
        assert figures["bf16_ratio"] >= 3
