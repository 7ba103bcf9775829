"""RLOO, REINFORCE with a leave-one-out baseline (Ahmadian et al., arXiv 2402.14740, equation 7).

    R_i = r_i - beta (log pi_theta(y_i|x) - log pi_ref(y_i|x))        G answers to each prompt
    L   = -E[(R_i - (sum R - R_i) / (G - 1)) log pi_theta(y_i|x)]

Log-probabilities are sums over the answer, and R carries no gradient: the KL is part of the reward.
One step of the optimiser for each batch of answers, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, OnlineMethod, hookimpl, losses
from suite.ranges import Count, NonNegative

if TYPE_CHECKING:
    from torch import Tensor

    from suite import Part, Rollouts


@dataclass(frozen=True)
class RLOOConfig:
    """Answers to each prompt, and the weight of the KL to the reference."""

    samples: int = 4
    """Answers to each prompt, G (paper: 2 and 4)."""
    beta: NonNegative = 0.05
    """Weight of the KL to the starting model, reward per nat."""
    max_new_tokens: Count = 64
    """Longest answer, in tokens."""

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ValueError(
                f"samples must be at least 2, not {self.samples}: "
                "the other answers to a prompt are the baseline"
            )


class RLOO(OnlineMethod[RLOOConfig]):
    """REINFORCE, each answer compared with the others to its prompt."""

    name = "rloo"
    train_defaults: ClassVar = {"lr": 1e-6, "batch_size": 16, "epochs": 1}
    Config = RLOOConfig

    def __init__(self, config: RLOOConfig) -> None:
        super().__init__(config)
        self.samples = config.samples

    @property
    def uses_reference(self) -> bool:
        """Only if beta, the weight of the KL, is above 0."""
        return self.config.beta > 0

    def credit(self, rollouts: Rollouts) -> None:
        """R minus the mean R of the prompt's other answers."""
        rewards = rollouts.rewards - self.config.beta * rollouts.sequence_log_ratios  # (P, G)
        rollouts.spread("advantages", losses.rloo_advantages(rewards))

    def rollout_loss(self, scored: Any, part: Part) -> Tensor:
        """Advantage times log-probability of the answer, mean over answers."""
        per_token = -part.extra["advantages"] * scored.token_logps  # (N,)
        return part.texts.mean(part.texts.row_sum(per_token))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [RLOO]
