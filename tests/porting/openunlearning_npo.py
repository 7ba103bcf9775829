"""NPO with a retain term, in the form and with the settings of OpenUnlearning's trainer.

    L = gamma (-2/beta) E log sigma(-beta (log pi(y|x) - log pi_ref(y|x))) + alpha CE(retain)

Zhang et al., arXiv 2404.05868. Log-probabilities are summed over the answer's tokens. There, a
retain term that is a mean over a micro-batch's tokens weighs micro-batches alike, however long
their answers are; here it is a mean over the tokens of the whole step, so the two agree where a
step is one micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from suite import Batch, LossOutput, Method, Policy, hookimpl
from suite.ranges import NonNegative, Positive


@dataclass(frozen=True)
class OpenUnlearningNPOConfig:
    """The trainer's settings, under its names."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats."""
    alpha: NonNegative = 1.0
    """Weight of the retain term."""
    gamma: NonNegative = 1.0
    """Weight of the forget term."""


class OpenUnlearningNPO(Method[OpenUnlearningNPOConfig]):
    """OpenUnlearning's NPO trainer: negative preference on forget, cross-entropy on retain."""

    name = "openunlearning_npo"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    needs_reference = True
    train_defaults: ClassVar = {"lr": 1e-5, "warmup_epochs": 1.0, "weight_decay": 0.01}
    Config = OpenUnlearningNPOConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Both terms, each a share of the step's."""
        from torch.nn.functional import logsigmoid

        forget, retain = batch["forget"], batch["retain"]
        on_forget, on_retain = policy.joint(forget, retain)
        beta = self.config.beta
        log_ratio = on_forget.logps - forget.reference_logps  # (B,)
        forget_loss = forget.mean(-2 / beta * logsigmoid(-beta * log_ratio))
        retain_loss = retain.token_mean(-on_retain.token_logps)
        return LossOutput(
            self.config.gamma * forget_loss + self.config.alpha * retain_loss,
            {"forget_loss": forget_loss.detach(), "retain_loss": retain_loss.detach()},
        )


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [OpenUnlearningNPO]
