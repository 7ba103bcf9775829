"""NPO+KL: NPO on forget, KL to the starting model on retain (Zhang et al., arXiv 2404.05868, section 4).

    L = forget_weight * L_NPO(forget) + retain_weight * KL(pi_ref || pi_theta) on retain

The KL is over the whole vocabulary, at completion positions only, mean per token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative, Positive


@dataclass(frozen=True)
class NPOKLConfig:
    """NPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; as beta -> 0 NPO becomes gradient ascent (paper: 0.1)."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class NPOKL(Method[NPOKLConfig]):
    """Negative preference optimisation with KL to the starting model on retain."""

    name = "npo_kl"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    needs_reference = True
    needs_reference_hidden = frozenset({"retain"})
    Config = NPOKLConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """NPO on forget, token-mean KL on retain."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        per_example = losses.npo(
            on_forget.logps, forget.reference_logps, beta=self.config.beta
        )  # (B,)
        npo = forget.mean(per_example)
        kl = retain.token_mean(on_retain.reference_kl())
        return LossOutput(
            self.config.forget_weight * npo + self.config.retain_weight * kl,
            {"forget_loss": npo.detach(), "retain_kl": kl.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NPOKL]
