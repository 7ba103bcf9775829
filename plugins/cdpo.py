"""cDPO, conservative DPO: some labels are wrong.

    L = E[-(1 - eps) log sigma(beta h) - eps log sigma(-beta h)],    h = rho_w - rho_l

E. Mitchell, "A note on DPO with noisy preferences", 2023. rho = log pi_theta(y|x) - log
pi_ref(y|x), summed over tokens. The gradient is 0 exactly where sigma(beta h) = 1 - eps: margins
stop growing there. At the start the loss is ln 2. The note names no value of eps; 0.1 is ours. The
training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive, Smoothing

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class CDPOConfig:
    """DPO's setting and the noise of the labels."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""
    label_smoothing: Smoothing = 0.1
    """eps, the share of labels taken to be wrong; 0: DPO."""


class CDPO(PairedMethod[CDPOConfig]):
    """DPO with smoothed labels."""

    name = "cdpo"
    Config = CDPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Cross-entropy with the smoothed label."""
        return losses.cdpo(
            *pairs.sums, beta=self.config.beta, label_smoothing=self.config.label_smoothing
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [CDPO]
