"""Robust DPO: unbiased when a known share of the labels is flipped.

    L = E[(-(1 - eps) log sigma(beta h) + eps log sigma(-beta h)) / (1 - 2 eps)]

Chowdhury et al., arXiv 2403.00409. h = rho_w - rho_l, rho = log pi_theta(y|x) - log pi_ref(y|x),
summed over tokens. Over flips of probability eps, its mean is DPO's loss on the true labels; that
needs the second term's sign to be opposite to cDPO's, so the loss is not bounded below. At the
start the loss is ln 2. The paper assumes that eps is known; 0.1 is ours. The training settings are
DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive, Smoothing

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RobustDPOConfig:
    """DPO's setting and the noise of the labels."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""
    label_smoothing: Smoothing = 0.1
    """eps, the share of labels that are flipped; 0: DPO."""


class RobustDPO(PairedMethod[RobustDPOConfig]):
    """DPO without the bias of flipped labels."""

    name = "robust_dpo"
    Config = RobustDPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """DPO's loss on the label and, negatively, on its opposite."""
        return losses.robust_dpo(
            *pairs.sums, beta=self.config.beta, label_smoothing=self.config.label_smoothing
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [RobustDPO]
