"""IDK-DPO: prefer a refusal to the forget answer (NPO, arXiv 2404.05868, section 4, "DPO").

    L = forget_weight * (2/beta) E[-log sigma(beta (rho(refusal) - rho(y_forget)))] + retain_weight * CE(retain)

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. The factor 2/beta, which the paper leaves out of its
equation, puts the term on NPO's scale: (2/beta) ln 2 at the start. CE is a mean over tokens. beta is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative, Positive


@dataclass(frozen=True)
class IDKDPOConfig:
    """DPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats (paper: 0.1)."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class IDKDPO(Method[IDKDPOConfig]):
    """DPO of refusals over forget answers, cross-entropy on retain."""

    name = "idk_dpo"
    family = "unlearning"
    roles = frozenset({"forget", "alternate", "retain"})
    needs_reference = True
    Config = IDKDPOConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """DPO with the refusal as chosen and the forget answer as rejected; token-mean cross-entropy on retain."""
        forget, alternate, retain = batch["forget"], batch["alternate"], batch["retain"]
        on_forget, on_alternate, on_retain = policy.joint(forget, alternate, retain)
        per_example = losses.idk_dpo(
            on_alternate.logps,
            on_forget.logps,
            alternate.reference_logps,
            forget.reference_logps,
            beta=self.config.beta,
        )  # (B,)
        dpo = forget.mean(per_example)
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * dpo + self.config.retain_weight * nll,
            {"forget_loss": dpo.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [IDKDPO]
