"""How far a policy has gone from its reference: the KL divergence between their distributions over
whole answers.

    KL(policy || reference)
        = E_{y ~ policy} [ sum_t KL(policy(. | x, y_<t) || reference(. | x, y_<t)) ]

The outer expectation is a mean over sampled answers; the inner divergence is exact, over the whole
vocabulary. It has the mean of the usual estimate, log policy(y) - log reference(y), a smaller
variance, and is never negative.

    sequence_kl(policy, reference, [(5, 8, 2)], [(7, 3, 1)], pad_id=0)     # tensor([0.42]), nats

Answers that were cut at a length give the divergence up to that length. Source: chain rule of the
relative entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from suite.api.data import Encoded
from suite.model.batch import collate
from suite.model.logprobs import completion_hidden, head_of, in_chunks
from suite.model.reference import by_length


@torch.no_grad()
def sequence_kl(
    policy: Any,
    reference: Any,
    prompts: Sequence[Sequence[int]],
    continuations: Sequence[Sequence[int]],
    *,
    pad_id: int,
    batch_tokens: int = 4096,
    advance: Callable[[int], None] = lambda rows: None,
) -> Tensor:
    """Return the sum over steps of KL(policy || reference) of each continuation, (B,), nats, fp32.

    `prompts`, `continuations`: token ids, B each; a continuation was sampled from `policy` at
    temperature 1, and ends in the end-of-sequence token unless it was cut. `policy` and
    `reference`: causal language models with the same tokens, on the same device. Raises ValueError
    for a continuation without tokens.
    """
    texts = [
        Encoded(str(row), tuple(prompt), tuple(continuation))
        for row, (prompt, continuation) in enumerate(zip(prompts, continuations, strict=True))
    ]
    for text in texts:
        if not text.completion_ids:
            raise ValueError(
                f"continuation {text.id} has no tokens; even an empty answer has its "
                "end-of-sequence token"
            )
    divergences = torch.zeros(len(texts))
    for group in by_length(texts, batch_tokens):
        batch = collate(group, pad_id, next(policy.parameters()).device)
        steps = step_kl(
            policy, reference, *(completion_hidden(model, batch) for model in (policy, reference))
        )
        divergences[[int(text.id) for text in group]] = batch.row_sum(steps).cpu()
        advance(len(group))
    return divergences


def step_kl(policy: Any, reference: Any, hidden: Tensor, ref_hidden: Tensor) -> Tensor:
    """KL(policy || reference) of the next-token distributions, given last hidden states: (N, d) ->
    (N,), fp32."""
    project, ref_project = head_of(policy), head_of(reference)

    def kl(hidden: Tensor, ref_hidden: Tensor) -> Tensor:
        log_p, log_ref = project(hidden).log_softmax(-1), ref_project(ref_hidden).log_softmax(-1)
        return (log_p.exp() * (log_p - log_ref)).sum(-1)

    return in_chunks(kl, hidden, ref_hidden, vocabulary=project.vocabulary)
