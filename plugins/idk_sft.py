"""IDK-SFT: learn to answer forget questions with a refusal (TOFU, arXiv 2401.06121).

    L = forget_weight * CE(alternate) + retain_weight * CE(retain)

TOFU calls it "I don't know". `alternate`: the forget questions, each with a refusal as its answer.
Both terms are token means; TOFU adds them with weights 1 and 1. The loss never reads the forget
answers themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, hookimpl
from suite.ranges import NonNegative

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class IDKSFTConfig(ForgetRetainConfig):
    """Weights of the two terms."""

    forget_weight: NonNegative = 1.0
    """Weight of the refusals."""


class IDKSFT(ForgetRetainMethod[IDKSFTConfig]):
    """Fine-tuning on refusals, cross-entropy on retain."""

    name = "idk_sft"
    roles = frozenset({"forget", "alternate", "retain"})
    reads = ("alternate",)
    Config = IDKSFTConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """CE(alternate), mean over tokens."""
        return batch["alternate"].token_mean(-scored["alternate"].token_logps)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [IDKSFT]
