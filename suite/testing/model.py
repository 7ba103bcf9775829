"""The model of the kit: a Llama of one layer and a few thousand weights.

It is drawn at random and then learns the rows to forget and to retain, since that is where
unlearning starts.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from suite.api.data import Encoded, Item
from suite.model.batch import collate
from suite.model.logprobs import LMPolicy, head_of
from suite.model.reference import References, compute, save
from suite.testing.texts import END, PAD, VOCABULARY, rows
from suite.train.encoded import texts_of

LOUDER = 20
"""The head's weights are so many times the usual: far from uniform, losses differ between texts."""
LEARNT, RATE, STEPS = ("forget", "retain"), 3e-3, 20
"""Roles that the model learns, and how."""


def fresh_model(*, packs: bool = True) -> Any:
    """A model as it was drawn. `packs`: whether it may read several texts side by side."""
    return copy.deepcopy(_drawn(packs))


@cache
def _drawn(packs: bool) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        eos_token_id=END,
        pad_token_id=PAD,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        head_of(model).weight.mul_(LOUDER)
    _learn(model)
    if not packs:
        # Llama does not read it, but the host lays texts out by it: longer ones in rows of their
        # own, with padding.
        model.config.sliding_window = 1
    return model


def _learn(model: Any) -> None:
    """Some steps of fine-tuning on the rows that will be forgotten and retained."""
    known = rows()
    batch = collate(texts_of([item for role in LEARNT for item in known[role]]), PAD)
    policy = LMPolicy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (-policy(batch).token_logps.mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    optimizer.zero_grad()


def reference_of(role: str, items: Sequence[Item], into: References, *, hidden: bool) -> None:
    """Add what the model says of the rows of a role before it is trained."""
    texts = tuple(texts_of(items))
    with tempfile.TemporaryDirectory() as folder:
        save(_said_of(texts, hidden), Path(folder))
        into.add(role, Path(folder), texts)


@cache
def _said_of(texts: tuple[Encoded, ...], hidden: bool) -> dict[str, Tensor]:
    return compute(fresh_model(), texts, nullcontext, hidden=hidden, pad_id=PAD)
