"""GRPO, group relative policy optimisation (Shao et al., arXiv 2402.03300, section 4.1).

    A_i = (r_i - mean r) / std r                    over the G answers to a prompt
    L   = -(1/N) sum_t [min(w_t A_i, clip(w_t, 1 - clip, 1 + clip) A_i) - beta KL_t]

w = pi_theta / pi_old. N counts the tokens of the whole step's answers, as in DAPO (arXiv
2503.14476); the paper averages over each answer first, which favours short ones. KL_t is the
estimate e^d - d - 1, d = log pi_ref - log pi_theta. beta is 0 by default, as in later practice
(paper: 0.04); no reference is then needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, OnlineMethod, hookimpl, losses
from suite.ranges import Count, Fraction, NonNegative

if TYPE_CHECKING:
    from torch import Tensor

    from suite import Part, Rollouts


@dataclass(frozen=True)
class GRPOConfig:
    """Answers to each prompt, and how far a step may go."""

    samples: int = 8
    """Answers to each prompt, G (paper: 64)."""
    clip: Fraction = 0.2
    """How far pi / pi_old may leave 1."""
    beta: NonNegative = 0.0
    """Weight of the KL to the starting model (paper: 0.04)."""
    updates: Count = 1
    """Steps of the optimiser on the same answers (paper: 1)."""
    max_new_tokens: Count = 64
    """Longest answer, in tokens."""

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ValueError(
                f"samples must be at least 2, not {self.samples}: "
                "the answers to a prompt are compared with each other"
            )


class GRPO(OnlineMethod[GRPOConfig]):
    """Clipped policy gradient with rewards normalised within each prompt's answers."""

    name = "grpo"
    train_defaults: ClassVar = {"lr": 1e-6, "batch_size": 16, "epochs": 1}
    Config = GRPOConfig

    def __init__(self, config: GRPOConfig) -> None:
        super().__init__(config)
        self.samples, self.updates = config.samples, config.updates

    @property
    def uses_reference(self) -> bool:
        """Only if beta, the weight of the KL, is above 0."""
        return self.config.beta > 0

    def credit(self, rollouts: Rollouts) -> None:
        """Give every token its answer's reward, normalised over the answers to the prompt."""
        rollouts.spread("advantages", losses.grpo_advantages(rollouts.rewards))

    def rollout_loss(self, scored: Any, part: Part) -> Tensor:
        """Clipped surrogate and KL, mean over the step's tokens."""
        advantages = part.extra["advantages"]  # (N,)
        loss = losses.clipped_surrogate(
            scored.token_logps, part.logps, advantages, clip=self.config.clip
        )
        if self.config.beta > 0:
            loss = loss + self.config.beta * losses.sampled_kl(scored.token_logps, part.ref_logps)
        return part.texts.token_mean(loss)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [GRPO]
