"""NPO+RT: NPO on forget and cross-entropy on retain (Zhang et al., arXiv 2404.05868, section 4).

    L = forget_weight * L_NPO(forget) + retain_weight * CE(retain)

L_NPO is a mean over sequences of summed log-probabilities, CE a mean over tokens, both as in the paper's code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative, Positive


@dataclass(frozen=True)
class NPORTConfig:
    """NPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; as beta -> 0 NPO becomes gradient ascent (paper: 0.1)."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class NPORT(Method[NPORTConfig]):
    """Negative preference optimisation with cross-entropy on retain."""

    name = "npo_rt"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    needs_reference = True
    Config = NPORTConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """NPO on forget, token-mean cross-entropy on retain."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        per_example = losses.npo(
            on_forget.logps, forget.reference_logps, beta=self.config.beta
        )  # (B,)
        npo = forget.mean(per_example)
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * npo + self.config.retain_weight * nll,
            {"forget_loss": npo.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NPORT]
