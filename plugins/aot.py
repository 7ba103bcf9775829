"""AOT, alignment by optimal transport: sorted margins instead of paired ones.

    L = mean_i -log sigma(beta [sort(lw - ll)_i - sort(ref lw - ref ll)_i])

Melnyk et al., arXiv 2406.05882. l: log-probabilities summed over tokens. The i-th smallest margin
of the policy is compared with the i-th smallest margin of the reference: the loss asks that the
distribution of margins improves, not each single pair. Sorting couples the rows of a batch, which
is therefore never cut into micro-batches; the batch size is therefore a setting of the method. At
the start the loss is ln 2. beta and training settings are DPO's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Positive, Smoothing

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class AOTConfig:
    """Temperature and smoothing."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""
    label_smoothing: Smoothing = 0.0
    """Share of labels taken to be wrong, as in cDPO (paper: 0)."""


class AOT(PairedMethod[AOTConfig]):
    """DPO on sorted margins: first-order stochastic dominance."""

    name = "aot"
    batch_coupled = True
    Config = AOTConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """(B,), in the order of the sorted margins, not of the pairs."""
        return losses.aot(
            *pairs.sums, beta=self.config.beta, label_smoothing=self.config.label_smoothing
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [AOT]
