"""UNDIAL: distil from the starting model with the memorised token made less likely.

    L = (1/N) sum_t CE(pi_theta(. | x, y_<t), softmax(z_t - beta onehot(y_t)))

Dong et al., arXiv 2402.10052. z: the starting model's logits. Only completion positions count;
open-unlearning's code averages over prompt and padding positions as well. There is no retain term:
the loss itself keeps the proportions among all other tokens. beta and learning rate are the
paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import Positive


@dataclass(frozen=True)
class UNDIALConfig:
    """UNDIAL's one setting."""

    beta: Positive = 10.0
    """What is taken off the memorised token's logit, nats (paper: 10)."""


class UNDIAL(Method[UNDIALConfig]):
    """Self-distillation with adjusted logits."""

    name = "undial"
    family = "unlearning"
    roles = frozenset({"forget"})
    needs_reference_hidden = frozenset({"forget"})
    train_defaults: ClassVar = {"lr": 1e-4}
    Config = UNDIALConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Token-mean cross-entropy with the adjusted distribution."""
        forget = batch["forget"]
        scored = policy(forget)
        per_token = losses.undial(
            scored.logits, scored.reference_logits, forget.targets, beta=self.config.beta
        )  # (N,)
        return LossOutput(forget.token_mean(per_token))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [UNDIAL]
