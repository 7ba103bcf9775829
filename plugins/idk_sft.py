"""IDK-SFT: learn to answer forget questions with a refusal (TOFU, arXiv 2401.06121, "I don't know").

    L = forget_weight * CE(alternate) + retain_weight * CE(retain)

`alternate`: the forget questions, each with a refusal as its answer. Both terms are token means. TOFU adds them with
weights 1 and 1. The forget answers themselves are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl
from suite.ranges import NonNegative


@dataclass(frozen=True)
class IDKSFTConfig:
    """Weights of the two terms."""

    forget_weight: NonNegative = 1.0
    """Weight of the refusals."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class IDKSFT(Method[IDKSFTConfig]):
    """Fine-tuning on refusals, cross-entropy on retain."""

    name = "idk_sft"
    family = "unlearning"
    roles = frozenset({"forget", "alternate", "retain"})
    Config = IDKSFTConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms are token means."""
        alternate, retain = batch["alternate"], batch["retain"]
        on_alternate, on_retain = policy.joint(alternate, retain)
        refusal = alternate.token_mean(-on_alternate.token_logps)
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * refusal + self.config.retain_weight * nll,
            {"forget_loss": refusal.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [IDKSFT]
