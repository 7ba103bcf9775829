"""SimNPO: NPO on mean log-probabilities, without a reference (Fan et al., arXiv 2410.07163, eq. 4).

    L = forget_weight * E[-(2/beta) log sigma(-beta mean_logp(y) - margin)] + retain_weight * CE(retain)

The first term is a mean over sequences, CE a mean over tokens. open-unlearning writes beta (NLL/len - delta) inside
the sigmoid: the same with margin = beta x delta. Weights, beta and margin are the paper's for TOFU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import NonNegative, Positive


@dataclass(frozen=True)
class SimNPOConfig:
    """SimNPO's settings and the weights of the two terms."""

    beta: Positive = 4.5
    """Inverse temperature, 1 / nats per token (paper: 4.5)."""
    margin: float = 0.0
    """The paper's gamma, subtracted inside the sigmoid (paper: 0)."""
    forget_weight: NonNegative = 0.125
    """Weight of the forget term (paper: 0.125)."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term (paper: 1)."""


class SimNPO(Method[SimNPOConfig]):
    """Length-normalised NPO without a reference, cross-entropy on retain."""

    name = "simnpo"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = SimNPOConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """SimNPO on forget, token-mean cross-entropy on retain."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        per_example = losses.simnpo(
            on_forget.mean_logps, beta=self.config.beta, margin=self.config.margin
        )  # (B,)
        simnpo = forget.mean(per_example)
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.forget_weight * simnpo + self.config.retain_weight * nll,
            {"forget_loss": simnpo.detach(), "retain_loss": nll.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SimNPO]
