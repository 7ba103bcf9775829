"""What a loss sees: the texts of a micro-batch, and what the model in training says of them.

N: completion tokens of all B texts together, one text after another; prompts and padding are not
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class Texts(Protocol):
    """A micro-batch of B completions with N completion tokens altogether (prompts and padding not
    counted)."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Identifiers of the B rows."""
        ...

    @property
    def rows(self) -> Tensor:
        """The row of each completion token, (N,)."""
        ...

    @property
    def device(self) -> torch.device:
        """Where the tensors live."""
        ...

    @property
    def step_sequences(self) -> int:
        """Sequences of this role in the whole optimiser step."""
        ...

    @property
    def step_tokens(self) -> int:
        """Completion tokens of this role in the whole optimiser step."""
        ...

    @property
    def model_inputs(self) -> dict[str, Any]:
        """What the decoder is called with, for methods that read activations themselves."""
        ...

    @property
    def positions(self) -> Tensor:
        """Where in the decoder's flattened output each completion token is predicted, (N,)."""
        ...

    @property
    def reference_logps(self) -> Tensor:
        """Summed log-probabilities under the frozen starting model, (B,), nats. Only if
        `needs_reference`."""
        ...

    @property
    def reference_token_logps(self) -> Tensor | None:
        """The same per completion token, (N,); None where the method needs no reference."""
        ...

    @property
    def lengths(self) -> Tensor:
        """Completion tokens of each row, end-of-sequence included, (B,)."""
        ...

    @property
    def targets(self) -> Tensor:
        """The completion tokens, (N,), rows one after another."""
        ...

    def mean(self, per_example: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's sequences. Shape: (B,) -> ()."""
        ...

    def token_mean(self, per_token: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's completion tokens. Shape: (N,) ->
        ()."""
        ...

    def row_sum(self, per_token: Tensor) -> Tensor:
        """Sum the tokens of each completion. Shape: (N,) -> (B,)."""
        ...


class Pairs(Protocol):
    """B pairs; row i of `chosen` and row i of `rejected` answer the same prompt."""

    @property
    def chosen(self) -> Texts:
        """The preferred answers."""
        ...

    @property
    def rejected(self) -> Texts:
        """The others."""
        ...


class Batch(TypedDict, total=False):
    """A micro-batch, by training role; only the roles of the method are there."""

    forget: Texts
    retain: Texts
    alternate: Texts
    """Row i is another answer to row i of `forget`."""
    demonstrations: Texts
    prompts: Texts
    pairs: Pairs
    mismatched: Texts
    """Row i is the prompt of pair i with the chosen answer of another pair."""
    rollouts: Any
    """Online methods: answers that the policy itself gave."""


class Scored(Protocol):
    """What one forward pass of the policy says of a micro-batch. Everything is fp32."""

    @property
    def hidden(self) -> Tensor:
        """Last hidden states where completion tokens are predicted, (N, d)."""
        ...

    @property
    def logps(self) -> Tensor:
        """Summed log-probability of each completion, (B,), nats."""
        ...

    @property
    def mean_logps(self) -> Tensor:
        """The same divided by the completion's token count, (B,)."""
        ...

    @property
    def token_logps(self) -> Tensor:
        """Log-probability of each completion token, (N,), rows one after another."""
        ...

    @property
    def logits(self) -> Tensor:
        """Logits at the completion positions, (N, V). Large: only for losses over the whole
        vocabulary."""
        ...

    @property
    def reference_logits(self) -> Tensor:
        """The frozen starting model's logits at these positions, (N, V). Only with
        `needs_reference_hidden`."""
        ...

    def reference_kl(self) -> Tensor:
        """KL(reference || policy) at each completion position, (N,), nats. Only with
        `needs_reference_hidden`."""
        ...


class Policy(Protocol):
    """The model in training. Calling it runs one forward pass; keep the result if two terms need
    it."""

    model: nn.Module

    def __call__(self, texts: Texts) -> Scored:
        """Score the completions of `texts`."""
        ...

    def joint(self, *batches: Texts) -> Sequence[Scored]:
        """Score several batches in one forward pass: the same numbers, sooner. One result for
        each."""
        ...
