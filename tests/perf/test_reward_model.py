"""One optimiser step of a reward model, against the plain way, in one run: all six pairs of a
question's four answers.

    pytest -m perf -s tests/perf/test_reward_model.py        (SUITE_SMOLLM2 may name a model folder)

Plain: chosen and rejected answers of every pair as one padded batch, so that each answer is read
three times.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from suite import Message, Pair, losses
from suite.api.data import EncodedPair
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.reference import References
from suite.registry import Registry
from suite.train.encoded import encode_rows
from suite.train.sampling import micro_batches
from tests.perf.plain import load, pad
from tests.perf.steps import state_of, timed

pytestmark = pytest.mark.perf
QUESTIONS, ANSWERS = 4, 4


@pytest.fixture(scope="module")
def pairs(shared: Path, smollm2: Path) -> list[EncodedPair]:
    """Four TOFU questions, each with its answer and three wrong ones, the earlier preferred to the
    later."""
    lines = (shared / "data/tofu/forget01_perturbed.json").read_text().splitlines()
    rows = [
        Pair(f"{q}/{i}-{j}", (Message("user", line["question"]),), answers[i], answers[j])
        for q, line in enumerate(map(json.loads, lines[:QUESTIONS]))
        for answers in [[line["answer"], *line["perturbed_answer"]]]
        for i, j in combinations(range(ANSWERS), 2)
    ]
    return encode_rows(rows, Encoder(models.load_tokenizer(smollm2)))


def plain_step(model: Any, head: nn.Module, optimizer: Any, pairs: list[EncodedPair]) -> float:
    batch = pad([pair.chosen for pair in pairs] + [pair.rejected for pair in pairs])
    hidden = model.model(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask
    ).last_hidden_state
    last = batch.positions[batch.lengths.cumsum(0) - 1]
    chosen, rejected = head(hidden.flatten(0, 1)[last])[:, 0].chunk(2)
    loss = losses.reward_model(chosen, rejected, torch.zeros_like(chosen)).mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([*model.parameters(), *head.parameters()], 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def ours(smollm2: Path, head: nn.Module, pairs: list[EncodedPair]) -> Callable[[], float]:
    """A function that takes one step of reward_model as `suite.train.loop` does."""
    method_class = Registry.load().method("reward_model")
    method = method_class(method_class.Config())
    model = models.load_model(smollm2)
    state = state_of(model, [*model.parameters(), *head.parameters()], "float32")
    state.heads = nn.ModuleDict({"reward": head})
    method.begin(state, {})
    return lambda: (
        method.train_step(state, list(micro_batches({"pairs": pairs}, 0, 0, References()))).loss
    )


def test_step_of_a_reward_model(
    smollm2: Path, pairs: list[EncodedPair], record_property: Callable[[str, object], None]
) -> None:
    model = load(smollm2)
    head = nn.Linear(model.config.hidden_size, 1)
    own_head = copy.deepcopy(head)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], lr=1e-5)
    plain_loss, plain, plain_cpu = timed(lambda: plain_step(model, head, optimizer, pairs))
    loss, seconds, cpu = timed(ours(smollm2, own_head, pairs))
    figures = {
        "plain_seconds": plain,
        "ratio": plain / seconds,
        "cpu_ratio": plain_cpu / cpu,
        "loss_gap": abs(loss - plain_loss),
    }
    for name, value in figures.items():
        record_property(name, value)
        print(f"{name:28} {value:.4g}")
    assert figures["loss_gap"] < 1e-4
    assert figures["cpu_ratio"] >= 2
