"""Score answers on top of cached prompts: log-probabilities and greedy flags in one forward pass.

    read     the prompts of a chunk, after the prefix that all share   -> cached keys and values
    score    rows of these, one per answer, extended by its tokens     -> log-probability per token

An answer's first token is predicted by the prompt's last hidden state, token k by the hidden state
of token k - 1. Its last token is only predicted, so it is not fed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from suite.engines.hf.rows import Rows
from suite.engines.hf.sharing import Answer, Prompt
from suite.model.layout import ANY_LENGTH, declared_window
from suite.model.logprobs import CHUNK_ELEMENTS, Head, decoder_of, head_of


@dataclass
class Read:
    """Prompts that have been read."""

    row_of: dict[tuple[int, ...], int]
    """Prompt tokens -> row."""
    rows: Rows
    last: Tensor
    """(P, d), hidden state that predicts the first token of any answer."""


@dataclass
class Scored:
    """Answers that have been scored: B rows of up to A tokens."""

    answers: Sequence[Answer]
    token_logps: list[list[float]]
    """Nats."""
    greedy: list[list[bool]]
    """Whether each token was the most likely one."""
    rows: Rows
    prompt_width: int
    """Columns of `rows` that hold prompts; answer token k stands in column prompt_width + k."""
    states: Tensor
    """(B, A, d): `states[:, k]` predicts answer token k."""

    def cut(self, index: Sequence[int], kept: Sequence[int]) -> tuple[Rows, Tensor]:
        """Copy rows `index`, each cut behind its first `kept` answer tokens.

        Returns the rows and the hidden states that predict their next tokens, (R, d).
        """
        device = self.states.device
        rows, keep = torch.tensor(index, device=device), torch.tensor(kept, device=device)
        column = torch.arange(self.rows.width, device=device) - self.prompt_width
        cut = self.rows.select(rows, column < keep[:, None])
        return cut.aligned(), self.states[rows, keep]


class Scorer:
    """Forward passes of one model over texts that all begin with `prefix`, which is computed once.

    `precision()` is the context they run in (bf16 autocast or nothing).
    """

    def __init__(
        self,
        model: Any,
        precision: Callable[[], AbstractContextManager[Any]],
        prefix: tuple[int, ...] = (),
    ) -> None:
        self.decoder, self.head = decoder_of(model), head_of(model)
        self.precision = precision
        self.device = next(model.parameters()).device
        self.windowed = declared_window(model.config) < ANY_LENGTH
        self.skip = len(prefix)
        self.prefix = self._read_prefix(prefix)

    @torch.inference_mode()
    def _read_prefix(self, ids: tuple[int, ...]) -> Rows:
        rows = Rows.empty(1, self.device)
        if ids:
            with self.precision():
                rows.extend(self.decoder, *self._padded([ids]))
        return rows

    @torch.inference_mode()
    def read(self, prompts: Sequence[Prompt]) -> Read:
        """Compute prompts."""
        rows = self.prefix.select(torch.zeros(len(prompts), dtype=torch.long, device=self.device))
        ids, mask = self._padded([prompt.ids[self.skip :] for prompt in prompts])
        with self.precision():
            hidden = rows.extend(self.decoder, ids, mask)
        every = torch.arange(len(prompts), device=self.device)
        last = hidden[every, mask.sum(1) - 1]
        row_of = {prompt.ids: row for row, prompt in enumerate(prompts)}
        return Read(row_of, rows, last)

    @torch.inference_mode()
    def score(self, read: Read, answers: Sequence[Answer]) -> Scored:
        """Score answers to prompts that have been read."""
        index = torch.tensor(
            [read.row_of[answer.prompt.ids] for answer in answers], device=self.device
        )
        rows = read.rows.select(index)
        if self.windowed:  # prompts were padded on the right
            rows = rows.aligned()
        prompt_width = rows.width
        states = read.last[index][:, None]  # (B, 1, d)
        fed = [answer.ids[:-1] for answer in answers]
        ids, mask = self._padded(fed)
        with self.precision():
            if ids.shape[1]:
                hidden = rows.extend(self.decoder, ids, mask)
                states = torch.cat([states, hidden], dim=1)
            logps, greedy = self._score_tokens(states, [answer.ids for answer in answers])
        return Scored(answers, logps, greedy, rows, prompt_width, states)

    def _score_tokens(
        self, states: Tensor, targets: Sequence[tuple[int, ...]]
    ) -> tuple[list[list[float]], list[list[bool]]]:
        """Log-probabilities and greedy flags of the answers' tokens.

        Shapes: (B, A, d), B lists of tokens -> B lists of the same lengths, twice.
        """
        rows: list[int] = []
        columns: list[int] = []
        flat: list[int] = []
        for row, ids in enumerate(targets):
            rows += [row] * len(ids)
            columns += range(len(ids))
            flat += ids
        tokens = torch.tensor(flat, dtype=torch.long, device=self.device)
        logps, greedy = token_scores(states[rows, columns], tokens, self.head)
        lengths = [len(ids) for ids in targets]
        return _split(logps.tolist(), lengths), _split(greedy.tolist(), lengths)

    def _padded(self, texts: Sequence[tuple[int, ...]]) -> tuple[Tensor, Tensor]:
        """Tokens and mask, (B, S) each, padded on the right.

        They are padded with token 0; it is masked, so any token will do.
        """
        width = max(map(len, texts))
        padded = [text + (0,) * (width - len(text)) for text in texts]
        ids = torch.tensor(padded, dtype=torch.long, device=self.device)
        lengths = torch.tensor([len(text) for text in texts], device=self.device)
        mask = (torch.arange(width, device=self.device) < lengths[:, None]).long()
        return ids.view(len(texts), width), mask  # of width 0, torch would make one dimension of it


def token_scores(hidden: Tensor, targets: Tensor, head: Head) -> tuple[Tensor, Tensor]:
    """Log-probability of each target (fp32, nats), and whether it is the most likely token.

    Both come from one projection. Shapes: (N, d), (N,) -> (N,), (N,).
    """
    # Begun with an empty part, so that there is something to join where nothing is scored.
    logps = [targets.new_zeros(0, dtype=torch.float32)]
    greedy = [targets.new_zeros(0, dtype=torch.bool)]
    size = max(1, CHUNK_ELEMENTS // head.vocabulary)
    for part, target in zip(torch.split(hidden, size), torch.split(targets, size), strict=True):
        logits = head(part)  # (n, V), fp32
        top, best = logits.max(-1, keepdim=True)
        # log-softmax by hand and in place: it saves a second copy of the logits.
        logits -= top
        picked = logits.gather(1, target[:, None])
        normaliser = logits.exp_().sum(-1, keepdim=True).log()
        logps.append((picked - normaliser)[:, 0])
        greedy.append(best[:, 0] == target)
    return torch.cat(logps), torch.cat(greedy)


def _split(values: list[Any], lengths: Sequence[int]) -> list[list[Any]]:
    """Cut a flat list into lists of these lengths."""
    parts: list[list[Any]] = []
    start = 0
    for length in lengths:
        parts.append(values[start : start + length])
        start += length
    return parts
