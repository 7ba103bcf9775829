"""A logistic model in the place of a language model: method plugins train it without knowing.

A "text" is an input x (d numbers) whose completion is one token, the label y in {0, 1}; with z =
<w, x>

    p(y = 1 | x) = sigma(z),    logits (-z/2, z/2)

so that summed, mean and per-token log-probabilities are all log p(y | x). Everything is fp64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def logits_of(inputs: Tensor, weight: Tensor) -> Tensor:
    """Logits of both labels. Shapes: (N, d), (d,) -> (N, 2)."""
    margin = inputs @ weight
    return torch.stack([-margin / 2, margin / 2], dim=-1)


class LogisticModel(nn.Module):
    """One weight vector (d,), started from a copy of `start`."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(start.detach().clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, d) -> logits (N, 2)."""
        return logits_of(inputs, self.weight)


@dataclass
class Labelled:
    """N labelled inputs as the `Texts` of `suite.api.batch`.

    The batch is the whole step, and every row is one token long.
    """

    inputs: Tensor
    """(N, d)."""
    targets: Tensor
    """(N,), labels 0 or 1."""
    reference_logits: Tensor
    """(N, 2), of the starting model."""

    @cached_property
    def reference_token_logps(self) -> Tensor:
        """(N,), nats, of the starting model."""
        return label_logps(self.reference_logits, self.targets)

    @property
    def reference_logps(self) -> Tensor:
        """(N,), the same: a completion has one token."""
        return self.reference_token_logps

    @property
    def lengths(self) -> Tensor:
        """(N,), ones."""
        return torch.ones_like(self.targets)

    def mean(self, per_example: Tensor) -> Tensor:
        """Mean over the rows: the batch is the whole step. Shape: (N,) -> ()."""
        if per_example.shape != self.targets.shape:
            raise ValueError(
                f"loss has shape {tuple(per_example.shape)}, expected {tuple(self.targets.shape)}"
            )
        return per_example.mean()

    def token_mean(self, per_token: Tensor) -> Tensor:
        """The same, since rows are tokens. Shape: (N,) -> ()."""
        return self.mean(per_token)

    def row_sum(self, per_token: Tensor) -> Tensor:
        """(N,) -> (N,)."""
        return per_token


def label_logps(logits: Tensor, targets: Tensor) -> Tensor:
    """log p(target). Shapes: (N, 2), (N,) -> (N,)."""
    return -F.cross_entropy(logits, targets, reduction="none")


def labelled(inputs: Tensor, targets: Tensor, start: Tensor) -> Labelled:
    """Rows with what the starting weights (d,) say of them."""
    return Labelled(inputs, targets, logits_of(inputs, start))


def unlearning_roles(forget: Labelled, retain: Labelled) -> Mapping[str, Labelled]:
    """The roles forget, alternate and retain.

    "I don't know" is the uniform distribution over both labels.

    `alternate` holds every forget input twice, once with each label, and so does `forget` with its
    own label: row i of the one is the other answer to row i of the other, and no mean changes.
    """
    n = len(forget.targets)
    twice = Labelled(
        torch.cat([forget.inputs] * 2),
        torch.cat([forget.targets] * 2),
        torch.cat([forget.reference_logits] * 2),
    )
    both = torch.arange(2).repeat_interleave(n)  # n zeros, n ones
    return {
        "forget": twice,
        "alternate": Labelled(twice.inputs, both, twice.reference_logits),
        "retain": retain,
    }


class LogisticPolicy:
    """A `LogisticModel` as a `Policy`."""

    def __init__(self, model: LogisticModel) -> None:
        self.model: nn.Module = model

    def __call__(self, texts: Labelled) -> LogisticScored:
        """Run one forward pass."""
        return LogisticScored(texts, self.model(texts.inputs))

    def joint(self, *batches: Labelled) -> list[LogisticScored]:
        """Score several batches."""
        return [self(texts) for texts in batches]


@dataclass
class LogisticScored:
    """What one forward pass says of N labelled inputs; see `suite.api.batch.Scored`."""

    texts: Labelled
    logits: Tensor
    """(N, 2)."""

    @cached_property
    def token_logps(self) -> Tensor:
        """(N,), nats."""
        return label_logps(self.logits, self.texts.targets)

    @property
    def logps(self) -> Tensor:
        """(N,), the same."""
        return self.token_logps

    @property
    def mean_logps(self) -> Tensor:
        """(N,), the same."""
        return self.token_logps

    @property
    def reference_logits(self) -> Tensor:
        """(N, 2), of the starting model."""
        return self.texts.reference_logits

    def reference_kl(self) -> Tensor:
        """KL(reference || policy) of the label, (N,), nats."""
        reference = F.log_softmax(self.reference_logits, dim=-1)
        policy = F.log_softmax(self.logits, dim=-1)
        return (reference.exp() * (reference - policy)).sum(-1)
