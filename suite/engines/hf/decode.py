"""Generate text for many rows at once: rows enter when there is room, and leave when they end.

A row starts behind the tokens of its guess that greedy decoding is already known to agree with, so
a model that answers as guessed needs no step at all. Greedy text is that of plain greedy decoding,
except where two tokens are equally likely up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from suite.api.requests import Generate
from suite.engines.hf.rows import Rows
from suite.model.logprobs import decoder_of, head_of
from suite.store.seeds import hash_seed

DROP_SHARE = 8
"""Finished rows are dropped when they are 1/8 of the batch. To drop them copies the cache, to keep
them computes tokens that nobody reads."""


@dataclass
class Text:
    """One text in the making."""

    request: Generate
    limit: int
    """Most tokens that it may have."""
    eos_ids: frozenset[int]
    copy: int = 0
    """Which of the request's n texts this is."""
    ids: list[int] = field(default_factory=list)

    def push(self, token: int) -> None:
        """Append a token, unless the text has ended."""
        if not self.done:
            self.ids.append(token)

    def accept(self, guess: Sequence[int], greedy: Sequence[bool]) -> None:
        """Take over the tokens of a guess, as long as greedy decoding agrees with it."""
        for token, agrees in zip(guess, greedy, strict=True):
            if not agrees:
                return
            self.push(token)

    @property
    def ended(self) -> bool:
        """Whether the model ended it by an end-of-sequence token."""
        return bool(self.ids) and self.ids[-1] in self.eos_ids

    @property
    def done(self) -> bool:
        """Whether it is complete, or cut."""
        return self.ended or len(self.ids) >= self.limit

    @cached_property
    def random(self) -> Tensor:
        """Uniform numbers in [0, 1), one per token, (limit,).

        They depend on the request and on `copy` alone, so the text is the same in whatever batch.
        """
        seed = hash_seed(self.request.seed, self.request.id, self.copy)
        generator = torch.Generator().manual_seed(seed)
        return torch.rand(self.limit, generator=generator, dtype=torch.float64)


class Decoder:
    """The rows that are being decoded with one model."""

    def __init__(
        self,
        model: Any,
        precision: Callable[[], AbstractContextManager[Any]],
        unknown: Sequence[int] = (),
    ) -> None:
        self.decoder, self.head = decoder_of(model), head_of(model)
        self.precision = precision
        self.unknown = list(unknown)
        """Ids of the embedding that are no tokens, and never chosen: padding of the vocabulary.
        (Log-probabilities keep them in the normaliser: that is the model's own.)"""
        self.texts: list[Text] = []
        self.rows: Rows | None = None
        self.states = torch.empty(0)

    @torch.inference_mode()
    def admit(self, texts: Sequence[Text], rows: Rows, states: Tensor) -> None:
        """Take in rows (right-aligned) with the states that predict their next tokens, (R, d)."""
        self.texts += texts
        self.states = states if self.rows is None else torch.cat([self.states, states])
        self.rows = rows if self.rows is None else self.rows.joined(rows)

    def run(self, room: int) -> Iterator[Text]:
        """Decode until the batch has at most `room` padded tokens; yield texts as they finish."""
        while self.rows is not None and len(self.rows) * self.rows.width > room:
            yield from self._step()

    @torch.inference_mode()
    def _step(self) -> list[Text]:
        """Choose the next token of every row, drop finished rows, feed the others."""
        assert self.rows is not None
        with self.precision():
            tokens = self._choose(self.head(self.states))
        finished: list[Text] = []
        for text, token in zip(self.texts, tokens.tolist(), strict=True):
            if text.done:  # it was handed out before; its row waits to be dropped
                continue
            text.push(token)
            if text.done:
                finished.append(text)
        self._feed(tokens)
        return finished

    def _feed(self, tokens: Tensor) -> None:
        """Read the new tokens, (R,), of the rows that go on."""
        assert self.rows is not None
        alive = [i for i, text in enumerate(self.texts) if not text.done]
        if not alive:
            self.texts, self.rows = [], None
            return
        idle = len(self.texts) - len(alive)
        if idle * DROP_SHARE >= len(self.texts):
            self.texts = [self.texts[i] for i in alive]
            index = torch.tensor(alive, device=tokens.device)
            self.rows, tokens = self.rows.select(index), tokens[index]
        going = torch.tensor([not text.done for text in self.texts], device=tokens.device)
        mask = going.long()[:, None]  # (R, 1): tokens of finished rows become padding
        with self.precision():
            self.states = self.rows.extend(self.decoder, tokens[:, None], mask)[:, 0]

    def _choose(self, logits: Tensor) -> Tensor:
        """Next tokens: the most likely, or sampled where the temperature is above 0.

        Shape: (R, V) -> (R,).
        """
        logits[:, self.unknown] = -torch.inf
        tokens = logits.argmax(-1)
        rows: list[int] = []
        temperatures: list[float] = []
        numbers: list[Tensor] = []
        for row, text in enumerate(self.texts):
            if text.request.temperature > 0 and not text.done:
                rows.append(row)
                temperatures.append(text.request.temperature)
                numbers.append(text.random[len(text.ids)])
        if rows:
            index = torch.tensor(rows, device=logits.device)
            temperature = torch.tensor(temperatures, device=logits.device)
            uniform = torch.stack(numbers).to(logits.device)
            tokens[index] = sample(logits[index] / temperature[:, None], uniform)
        return tokens


def sample(logits: Tensor, uniform: Tensor) -> Tensor:
    """Sample by the inverse of the cumulative distribution, at given numbers in [0, 1).

    Shapes: (R, V), (R,) -> (R,).
    """
    # In fp64: a sum of 50,000 fp32 terms would lose the tail.
    cumulative = logits.softmax(-1).double().cumsum(-1)
    # The last sum is 1 up to rounding; a multiple of it never lies beyond it.
    point = uniform[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, point, right=True)[:, 0].clamp_(max=logits.shape[-1] - 1)
