"""BCO, binary classifier optimisation, on pairs (Jung et al., arXiv 2404.04656).

    L = E[-log sigma(r_w - delta) - log sigma(delta - r_l)],    r = beta rho

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. delta, the shift between the classes,
is the mean reward of all answers so far, chosen and rejected alike. It is updated after each
optimiser step, from the whole step: so it is the same for all micro-batches, and 0 in the first
step. The paper leaves open when it is updated. TRL's `bco_pair` keeps it at 0, and so does a bandit
here, which calls `pair_loss` alone. At the start the loss is 2 ln 2. The training settings are
DPO's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from suite import Batch, Method, PairedMethod, PairLogps, StepOutput, TrainState, hookimpl, losses
from suite.ranges import Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BCOConfig:
    """BCO's one setting."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (DPO's)."""


class BCO(PairedMethod[BCOConfig]):
    """Binary classification of answers by their reward."""

    name = "bco"
    Config = BCOConfig

    def __init__(self, config: BCOConfig) -> None:
        super().__init__(config)
        self.delta = 0.0
        self.seen = 0

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """Logistic loss of both answers, shifted by the running mean."""
        return losses.bco(*pairs.sums, beta=self.config.beta, delta=self.delta)

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """The usual step, then the running mean."""
        import torch

        output = super().train_step(state, micro_batches)
        mean = (output.metrics["rewards/chosen"] + output.metrics["rewards/rejected"]) / 2
        answers = 2 * micro_batches[0]["pairs"].chosen.step_sequences
        used = self.delta  # the log shows the delta that this step trained with
        self.delta, self.seen = losses.bco_delta(
            self.delta, self.seen, torch.full((answers,), mean)
        )
        return replace(output, metrics={**output.metrics, "delta": used})

    def state_dict(self) -> dict[str, Any]:
        """The running mean and its count."""
        return {"delta": self.delta, "seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore them."""
        self.delta, self.seen = state["delta"], state["seen"]


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [BCO]
