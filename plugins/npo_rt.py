"""NPO+RT: NPO on forget and cross-entropy on retain (Zhang et al., arXiv 2404.05868, section 4).

    L = forget_weight * L_NPO(forget) + retain_weight * CE(retain)

L_NPO is a mean over sequences of summed log-probabilities, CE a mean over tokens, both as in the
paper's code; `npo` has L_NPO.
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
class NPORTConfig(ForgetRetainConfig):
    """NPO's setting and the weights of the two terms."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; as beta -> 0 NPO becomes gradient ascent (paper: 0.1)."""


class NPORT(ForgetRetainMethod[NPORTConfig]):
    """Negative preference optimisation with cross-entropy on retain."""

    name = "npo_rt"
    needs_reference = True
    Config = NPORTConfig

    def forget_loss(self, batch: Batch, scored: ScoredRoles) -> Tensor:
        """L_NPO, mean over sequences."""
        forget = batch["forget"]
        logps, reference = scored["forget"].logps, forget.reference_logps
        per_example = losses.npo(logps, reference, beta=self.config.beta)  # (B,)
        return forget.mean(per_example)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NPORT]
