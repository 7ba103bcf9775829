"""PDU, primal-dual unlearning: flatten forget logits under a limit on the retain loss.

    minimise  F = (1/N) sum_t (max_v z_tv - mean_v z_tv)^2 on forget
    subject to  R = CE(retain) <= epsilon
    primal step on  F + alpha R,  then  alpha <- max(0, alpha + eta (R - epsilon))

Entesari et al., arXiv 2506.05314. z: logits where answer tokens are predicted. alpha is updated
once per optimiser step, with the R of the whole step. The paper starts the dual variable at the
weight of a scalarised loss; here that is 1. epsilon has no default: it is the largest retain loss
that you accept, for example a little above the starting model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite import (
    Batch,
    LossOutput,
    Method,
    Policy,
    StepOutput,
    TrainState,
    UserError,
    hookimpl,
    losses,
)
from suite.ranges import Positive


@dataclass(frozen=True)
class PDUConfig:
    """The constraint, and the step size of its multiplier."""

    epsilon: Positive | None = None
    """Largest acceptable cross-entropy on retain, nats per token. Must be given."""
    eta: Positive = 1.0
    """Step size of the dual variable (paper: 1)."""


class PDU(Method[PDUConfig]):
    """Flat logits on forget under a constraint on retain."""

    name = "pdu"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = PDUConfig

    def __init__(self, config: PDUConfig) -> None:
        super().__init__(config)
        if config.epsilon is None:
            raise UserError(
                "pdu.epsilon is not set: give the largest acceptable cross-entropy on retain, "
                "nats per token"
            )
        self.epsilon = config.epsilon
        self.alpha = 1.0

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Flatness of forget logits and alpha times the cross-entropy on retain."""
        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        flatness = forget.token_mean(losses.pdu(on_forget.logits))
        nll = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            flatness + self.alpha * nll,
            {"forget_loss": flatness.detach(), "retain_loss": nll.detach()},
        )

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """The primal step, then the dual one."""
        output = super().train_step(state, micro_batches)
        used = self.alpha  # the log shows the alpha that this step trained with
        retain_loss = output.metrics["retain_loss"]
        self.alpha = losses.dual_ascent(
            used, retain_loss, epsilon=self.epsilon, eta=self.config.eta
        )
        return replace(output, metrics={**output.metrics, "alpha": used})

    def state_dict(self) -> dict[str, Any]:
        """The dual variable."""
        return {"alpha": self.alpha}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore it."""
        self.alpha = state["alpha"]


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PDU]
