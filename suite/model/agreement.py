"""The check at the start of every run: our log-probabilities are the model's own.

Texts as the run reads them (side by side, logits only where they are needed) against the model's
own forward, by its own attention ("eager": our kernel might leave out what it does to scores), on
each text alone: two texts of the data, and one longer than the model's window. Where
the configuration names no window, that text is as long as a text of the run may be: the model may
have one under another name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from suite.api.data import Encoded
from suite.core.errors import UserError, first_line
from suite.model.batch import collate
from suite.model.layout import ANY_LENGTH, plain_model, window_of
from suite.model.logprobs import check_projection, completion_hidden, head_of, token_logps
from suite.model.weights import context_of

TOLERANCE = 1e-2
"""Largest difference of a log-probability, nats, in float32. Rounding reaches 1e-4 in models with
a hundred thousand tokens; a wrong mask is off by whole nats."""
UNLIKE = (AttributeError, TypeError, KeyError, IndexError, NotImplementedError)
"""What is raised where a model's code is unlike that of others."""
PROBE = 16
"""Tokens of the made text beyond the window."""
LONG = 1024
"""Most tokens of the made text where no window is named: attention grows with the square."""


@torch.no_grad()
def check_agreement(model: Any, texts: Sequence[Encoded], longest: int) -> None:
    """Refuse a model whose log-probabilities we do not reproduce. UserError.

    `texts`: of the data; the shortest two are read. `longest`: most tokens that a text of this run
    may have, 0 for `texts` alone; a window beyond it never matters.
    """
    try:
        check_projection(model)
        length = _made_length(model, longest)
        if length > 1:
            # Apart from the others: beside a text beyond the window they would not be packed.
            _compare(model, [_made(model, length)])
        if short := sorted(texts, key=len)[:2]:
            _compare(model, short)
    except UNLIKE as error:  # its parts have other names, or its forward other arguments
        name = type(plain_model(model)).__name__
        raise UserError(
            f"{name} is built unlike other models ({first_line(error)}); it is not supported"
        ) from error


def _made_length(model: Any, longest: int) -> int:
    """Tokens of the made text: beyond the window that is named, if texts of this run can be."""
    longest = min(longest, context_of(plain_model(model).config))
    window = window_of(model)
    return min(longest, window + PROBE if 0 < window < ANY_LENGTH else LONG)


def _compare(model: Any, texts: Sequence[Encoded]) -> None:
    device = next(model.parameters()).device
    with torch.autocast(device.type, enabled=False):
        batch = collate(texts, 0, device)
        ours = token_logps(completion_hidden(model, batch), batch.targets, head_of(model))
        with _own_attention(model):
            own = torch.cat([own_logps(model, text) for text in texts])
    # equal_nan: a model that has diverged gives NaN only, and training says so itself.
    if not torch.allclose(ours, own, rtol=1e-3, atol=TOLERANCE, equal_nan=True):
        worst = float((ours - own).abs().max())
        name = type(plain_model(model)).__name__
        raise UserError(
            f"{name}: log-probabilities differ by up to {worst:.2g} nats from the model's own on "
            f"texts of {min(map(len, texts))} to {max(map(len, texts))} tokens; it is not supported"
        )


@contextlib.contextmanager
def _own_attention(model: Any) -> Iterator[None]:
    """Let the model attend as its own code says, by no kernel of ours or torch's."""
    plain = plain_model(model)
    before = plain.config._attn_implementation
    plain.set_attn_implementation("eager")
    try:
        yield
    finally:
        plain.set_attn_implementation(before)


def own_logps(model: Any, text: Encoded) -> Tensor:
    """The completion's log-probabilities by the model's own forward on this text alone, (N,)."""
    device = next(model.parameters()).device
    ids = torch.tensor([text.prompt_ids + text.completion_ids], device=device)
    logits = model(input_ids=ids, use_cache=False).logits[0, len(text.prompt_ids) - 1 : -1]
    targets = torch.tensor(text.completion_ids, device=device)
    logps: Tensor = logits.float().log_softmax(-1).gather(1, targets[:, None])[:, 0]
    return logps


def _made(model: Any, length: int) -> Encoded:
    """A text without meaning: tokens in a scattered order, the same at every call."""
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    ids = tuple(3 + 7919 * i % max(1, vocabulary - 3) for i in range(length))
    ids = tuple(id % vocabulary for id in ids)
    return Encoded("made", ids[: length // 2], ids[length // 2 :])
