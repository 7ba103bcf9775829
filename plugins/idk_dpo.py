"""IDK-DPO: prefer a refusal to the forget answer (NPO, arXiv 2404.05868, section 4, "DPO").

    L = forget_weight * (2/beta) E[-log sigma(beta (rho(refusal) - rho(y_forget)))]
        + retain_weight * CE(retain)

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. The factor 2/beta, which the paper
leaves out of its equation, puts the term on NPO's scale: (2/beta) ln 2 at the start. CE is a mean
over tokens. beta is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, hookimpl, losses
from suite.ranges import Positive

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class IDKDPOConfig(ForgetRetainConfig):
    """DPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats (paper: 0.1)."""


class IDKDPO(ForgetRetainMethod[IDKDPOConfig]):
    """DPO of refusals over forget answers, cross-entropy on retain."""

    name = "idk_dpo"
    roles = frozenset({"forget", "alternate", "retain"})
    reads = ("forget", "alternate")
    needs_reference = True
    Config = IDKDPOConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """DPO, the refusal chosen and the forget answer rejected; mean over sequences."""
        per_example = losses.idk_dpo(
            scored["alternate"].logps,
            scored["forget"].logps,
            batch["alternate"].reference_logps,
            batch["forget"].reference_logps,
            beta=self.config.beta,
        )  # (B,)
        return batch["forget"].mean(per_example)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [IDKDPO]
