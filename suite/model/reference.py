"""What the frozen starting model says of the training texts, computed once and shared by all
methods and settings.

Per completion token: its log-probability and, for losses over the whole vocabulary, the last hidden
state (d numbers instead of V logits; the starting model's output embedding turns it back into the
exact distribution).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from suite.api.data import Encoded
from suite.model.batch import TextBatch, collate
from suite.model.logprobs import completion_hidden, head_of, token_logps

FILE = "reference.safetensors"
Key = tuple[tuple[int, ...], tuple[int, ...]]


def key_of(text: Encoded) -> Key:
    """Equal texts share one entry, in however many pairs they stand."""
    return (text.prompt_ids, text.completion_ids)


@torch.no_grad()
def compute(
    model: Any,
    texts: Sequence[Encoded],
    autocast: Callable[[], AbstractContextManager[Any]],
    *,
    hidden: bool,
    pad_id: int,
    batch_tokens: int = 4096,
    advance: Callable[[int], None] = lambda rows: None,
) -> dict[str, Tensor]:
    """Score each distinct text once. Returns flat `logps` (sum of N,) and, if asked, `hidden` (sum
    of N, d)."""
    distinct = list({key_of(t): t for t in texts}.values())
    logps: dict[Key, Tensor] = {}
    states: dict[Key, Tensor] = {}
    for group in by_length(distinct, batch_tokens):
        batch = collate(group, pad_id, next(model.parameters()).device)
        with autocast():
            last = completion_hidden(model, batch)
            scored = token_logps(last, batch.targets, head_of(model))
        sizes = batch.lengths.tolist()
        for text, values, vectors in zip(
            group, torch.split(scored, sizes), torch.split(last, sizes), strict=True
        ):
            logps[key_of(text)] = values.float().cpu()
            if hidden:
                states[key_of(text)] = vectors.float().cpu()
        advance(len(group))
    tensors = {"logps": torch.cat([logps[key_of(t)] for t in distinct])}
    if hidden:
        tensors["hidden"] = torch.cat([states[key_of(t)] for t in distinct])
    return tensors


def by_length(texts: Sequence[Encoded], batch_tokens: int) -> Iterable[list[Encoded]]:
    """Group texts of similar length, at most `batch_tokens` padded tokens in a group."""
    group: list[Encoded] = []
    for text in sorted(texts, key=len):
        if group and len(text) * (len(group) + 1) > batch_tokens:
            yield group
            group = []
        group.append(text)
    if group:
        yield group


def save(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write the result of `compute`."""
    save_file(dict(tensors), folder / FILE)


class References:
    """Cached reference values by role, attached to batches."""

    def __init__(self) -> None:
        self._logps: dict[str, dict[Key, Tensor]] = {}
        self._hidden: dict[str, dict[Key, Tensor]] = {}

    def add(self, role: str, folder: Path, texts: Sequence[Encoded]) -> None:
        """Read what `save` wrote for these texts."""
        tensors = load_file(folder / FILE)
        distinct = list({key_of(t): t for t in texts}.values())
        sizes = [len(t.completion_ids) for t in distinct]
        for name, table in (("logps", self._logps), ("hidden", self._hidden)):
            if name in tensors:
                parts = torch.split(tensors[name], sizes)
                table[role] = {key_of(t): part for t, part in zip(distinct, parts, strict=True)}

    def attach(self, role: str, texts: Sequence[Encoded], batch: TextBatch) -> TextBatch:
        """Put the reference values of `texts` into their batch."""
        device = batch.device
        if role in self._logps:
            batch.reference_token_logps = torch.cat(
                [self._logps[role][key_of(t)] for t in texts]
            ).to(device)
        if role in self._hidden:
            batch.reference_hidden = torch.cat([self._hidden[role][key_of(t)] for t in texts]).to(
                device
            )
        return batch
