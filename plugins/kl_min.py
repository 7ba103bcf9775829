"""KL minimisation: gradient ascent on forget, stay near the start on retain (TOFU, arXiv 2401.06121).

    L = -forget_weight * CE(forget) + retain_weight * KL(pi_ref || pi_theta) on retain

The KL is over the whole vocabulary, at completion positions only, mean per token. (The original code also counts
prompt positions.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl
from suite.ranges import NonNegative


@dataclass(frozen=True)
class KLMinConfig:
    """Weights of the two terms."""

    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term."""


class KLMin(Method[KLMinConfig]):
    """Gradient ascent on forget, KL to the starting model on retain."""

    name = "kl_min"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    needs_reference_hidden = frozenset({"retain"})
    Config = KLMinConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms are token means."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        ascent = forget.token_mean(on_forget.token_logps)
        kl = retain.token_mean(on_retain.reference_kl())
        return LossOutput(
            self.config.forget_weight * ascent + self.config.retain_weight * kl,
            {"forget_loss": ascent.detach(), "retain_kl": kl.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [KLMin]
