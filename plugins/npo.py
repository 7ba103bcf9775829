"""NPO, negative preference optimisation (Zhang et al., arXiv 2404.05868, eq. 3).

    L = -(2/beta) E log sigma(-beta rho)

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. NPO is DPO without a chosen answer,
scaled by 2/beta. Its gradient is GA's times W = 2 pi^beta / (pi^beta + pi_ref^beta), in (0, 2): an
answer that is forgotten pulls less and less, which is why NPO does not collapse as GA does. At the
start the loss is (2/beta) ln 2. The paper leaves open whether log-probabilities are summed or
averaged over tokens; its code sums, and so does this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl, losses
from suite.ranges import Positive


@dataclass(frozen=True)
class NPOConfig:
    """NPO's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; as beta -> 0 NPO becomes gradient ascent (paper: 0.1)."""


class NPO(Method[NPOConfig]):
    """Negative preference optimisation, no retain term."""

    name = "npo"
    family = "unlearning"
    roles = frozenset({"forget"})
    needs_reference = True
    Config = NPOConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Mean over sequences."""
        forget = batch["forget"]
        per_example = losses.npo(
            policy(forget).logps, forget.reference_logps, beta=self.config.beta
        )  # (B,)
        return LossOutput(forget.mean(per_example))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [NPO]
