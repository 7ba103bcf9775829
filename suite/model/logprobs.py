"""Per-token log-probabilities of completions: one engine under every loss and every likelihood
metric.

Hidden states pass through the vocabulary projection only where a completion token is predicted, in
chunks, and log-softmax and sums are fp32 (a bf16 sum of magnitude 256..512 resolves 2 nats).

    policy = LMPolicy(model)
    policy(batch).logps      # (B,)  one forward pass, which `.token_logps`, `.logits`, ... reuse
    on_forget, on_retain = policy.joint(forget, retain)     one forward pass for both
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from suite.core.errors import UserError
from suite.model.batch import TextBatch, join
from suite.model.layout import plain_model
from suite.model.logits import finish_of

CHUNK_ELEMENTS = 2**26
"""Logits held at once, in elements (2**26 fp32 = 256 MiB)."""


class LMPolicy:
    """A causal language model as a `Policy`: calling it scores the completions of a batch.

    `reference_head`: the frozen starting model's output embedding (V, d), needed only for
    `reference_kl`.
    """

    def __init__(self, model: Any, reference_head: Tensor | None = None) -> None:
        self.model = model
        self.reference_head = reference_head

    def __call__(self, texts: TextBatch) -> LMScored:
        """Run one forward pass over the batch."""
        return LMScored(self, texts, completion_hidden(self.model, texts))

    def joint(self, *batches: TextBatch) -> list[LMScored]:
        """Run one forward pass over several batches: weights are read, cast and differentiated
        once, not once each."""
        sizes = [len(texts.targets) for texts in batches]
        hidden = torch.split(completion_hidden(self.model, join(batches)), sizes)
        return [LMScored(self, texts, part) for texts, part in zip(batches, hidden, strict=True)]


class LMScored:
    """What one forward pass says of a batch; see `suite.api.batch.Scored`. Each property is
    computed once."""

    def __init__(self, policy: LMPolicy, texts: TextBatch, hidden: Tensor) -> None:
        self.policy = policy
        self.texts = texts
        self.hidden = hidden

    @cached_property
    def token_logps(self) -> Tensor:
        """(N,), nats, fp32."""
        return token_logps(self.hidden, self.texts.targets, head_of(self.policy.model))

    @cached_property
    def logps(self) -> Tensor:
        """(B,), nats, fp32."""
        return self.texts.row_sum(self.token_logps)

    @cached_property
    def mean_logps(self) -> Tensor:
        """(B,), nats per completion token."""
        return self.logps / self.texts.lengths

    @cached_property
    def logits(self) -> Tensor:
        """(N, V), fp32."""
        return head_of(self.policy.model)(self.hidden)

    @cached_property
    def reference_logits(self) -> Tensor:
        """(N, V), fp32, of the frozen starting model."""
        reference, head = self._reference()
        logits = F.linear(reference.to(self.hidden.dtype), head.to(self.hidden.dtype)).float()
        return head_of(self.policy.model).finish(logits)

    def _reference(self) -> tuple[Tensor, Tensor]:
        """Last hidden states (N, d) and output embedding (V, d) of the starting model."""
        reference, head = self.texts.reference_hidden, self.policy.reference_head
        assert reference is not None and head is not None, (
            "the method must declare needs_reference_hidden"
        )
        return reference, head

    def reference_kl(self) -> Tensor:
        """KL(reference || policy) of the next-token distributions, (N,), nats; no gradient to the
        reference."""
        reference, head = self._reference()
        projection = head_of(self.policy.model)

        def kl(hidden: Tensor, ref_hidden: Tensor) -> Tensor:
            log_p = F.log_softmax(projection(hidden), dim=-1)
            ref_logits = F.linear(ref_hidden, head.to(ref_hidden.dtype)).float()
            log_ref = F.log_softmax(projection.finish(ref_logits), dim=-1)
            return (log_ref.exp() * (log_ref - log_p)).sum(-1)

        return in_chunks(kl, self.hidden, reference.to(self.hidden.dtype), vocabulary=len(head))


def completion_hidden(model: Any, texts: TextBatch) -> Tensor:
    """Last hidden states at the positions that predict completion tokens. Shape: (N, d)."""
    # (P, T, d)
    hidden: Tensor = decoder_of(model)(**texts.inputs_for(model)).last_hidden_state
    return hidden.flatten(0, 1)[texts.positions]


def token_logps(hidden: Tensor, targets: Tensor, projection: Callable[[Tensor], Tensor]) -> Tensor:
    """Log-probability of each target. Shapes: (N, d), (N,) -> (N,) in fp32."""

    def logps(hidden: Tensor, targets: Tensor) -> Tensor:
        return -F.cross_entropy(projection(hidden), targets, reduction="none")

    return in_chunks(logps, hidden, targets, vocabulary=getattr(projection, "vocabulary", 2**16))


def in_chunks(function: Callable[..., Tensor], *tensors: Tensor, vocabulary: int) -> Tensor:
    """Apply a per-token function chunk by chunk, so that at most CHUNK_ELEMENTS logits exist at
    once.

    Several chunks are recomputed in the backward pass; a single one is not, since it fits anyway.
    """
    size = max(1, CHUNK_ELEMENTS // vocabulary)
    if len(tensors[0]) <= size:
        return function(*tensors)
    parts = zip(*(torch.split(t, size) for t in tensors), strict=True)
    return torch.cat([checkpoint(function, *part, use_reentrant=False) for part in parts])


class Head:
    """The vocabulary projection of a causal language model: (N, d) -> fp32 logits (N, V)."""

    def __init__(self, model: Any) -> None:
        self.layer: nn.Module = model.get_output_embeddings()
        self.weight: Tensor = self.layer.weight
        self.vocabulary = int(self.weight.shape[0])
        self.finish = finish_of(model)
        """What the model does to its logits afterwards (scales or caps them), (N, V) -> (N, V)."""

    def __call__(self, hidden: Tensor) -> Tensor:
        """Project; the product runs in the autocast dtype, everything after it in fp32."""
        logits: Tensor = self.layer(hidden)
        return self.finish(logits.float())


def head_of(model: Any) -> Head:
    """The projection of a model, LoRA-wrapped or not."""
    return Head(plain_model(model))


def decoder_of(model: Any) -> Any:
    """The part of a causal language model that ends in hidden states, without the vocabulary
    projection."""
    plain = plain_model(model)
    return getattr(plain, plain.base_model_prefix)


def end_ids(model: Any) -> frozenset[int]:
    """The tokens that end a text by the model's generation settings."""
    settings = getattr(plain_model(model), "generation_config", None)
    ids = getattr(settings, "eos_token_id", None)
    if ids is None:
        return frozenset()
    return frozenset(ids if isinstance(ids, list) else [ids])


@torch.no_grad()
def check_projection(model: Any, vocabulary_probe: int = 4) -> None:
    """Assert that decoder + projection give the model's own logits.

    Where they do not, every log-probability would be wrong.
    """
    device = next(model.parameters()).device
    ids = torch.arange(1, 1 + vocabulary_probe, device=device)[None]
    own = model(input_ids=ids).logits.float()
    ours = head_of(model)(decoder_of(model)(input_ids=ids, use_cache=False).last_hidden_state)
    if not torch.allclose(
        own, ours, rtol=1e-3, atol=1e-3, equal_nan=True
    ):  # a diverged model has NaN alone
        name = type(plain_model(model)).__name__
        raise UserError(
            f"{name} gives other logits than its hidden states and its projection; it is not "
            "supported"
        )
