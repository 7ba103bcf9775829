"""NPO+KL: NPO on forget, KL to the starting model on retain (Zhang et al., arXiv 2404.05868).

    L = forget_weight * L_NPO(forget) + retain_weight * KL(pi_ref || pi_theta) on retain

Section 4 of the paper; `npo` has L_NPO. The KL is over the whole vocabulary, at completion
positions only, mean per token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, Scored, Texts, hookimpl, losses
from suite.ranges import Positive

from .forget_retain import ForgetRetainConfig, ForgetRetainMethod, ScoredRoles

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NPOKLConfig(ForgetRetainConfig):
    """NPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; as beta -> 0 NPO becomes gradient ascent (paper: 0.1)."""


class NPOKL(ForgetRetainMethod[NPOKLConfig]):
    """Negative preference optimisation with KL to the starting model on retain."""

    name = "npo_kl"
    needs_reference = True
    needs_reference_hidden = frozenset({"retain"})
    retain_metric = "retain_kl"
    Config = NPOKLConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """L_NPO, mean over sequences."""
        forget = batch["forget"]
        logps, reference = scored["forget"].logps, forget.reference_logps
        per_example = losses.npo(logps, reference, beta=self.config.beta)  # (B,)
        return forget.mean(per_example)

    def retain_loss(self, retain: Texts, scored: Scored) -> Tensor:
        """KL(pi_ref || pi_theta), mean over tokens."""
        return retain.token_mean(scored.reference_kl())


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NPOKL]
