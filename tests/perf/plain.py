"""The plain way: the model as transformers loads it, texts padded on the right in the order
given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from suite.api.data import Encoded


@dataclass(frozen=True)
class Padded:
    """B texts of T tokens; `positions`: where in the flattened (B * T) completion tokens are
    predicted."""

    input_ids: Tensor
    attention_mask: Tensor
    positions: Tensor
    targets: Tensor
    rows: Tensor
    lengths: Tensor


def load(folder: Path) -> Any:
    """The model with transformers' own attention."""
    return AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()


def pad(texts: list[Encoded]) -> Padded:
    width = max(map(len, texts))
    ids = torch.zeros((len(texts), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    positions: list[int] = []
    for i, text in enumerate(texts):
        ids[i, : len(text)] = torch.tensor(text.prompt_ids + text.completion_ids)
        mask[i, : len(text)] = 1
        first = i * width + len(text.prompt_ids) - 1
        positions.extend(range(first, first + len(text.completion_ids)))
    lengths = torch.tensor([len(t.completion_ids) for t in texts])
    targets = torch.tensor([token for t in texts for token in t.completion_ids])
    rows = torch.repeat_interleave(torch.arange(len(texts)), lengths)
    return Padded(ids, mask, torch.tensor(positions), targets, rows, lengths)
