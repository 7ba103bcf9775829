"""PPO, proximal policy optimisation, on a reward model.

    r_t = -kl_coef (log pi_theta - log pi_ref)(y_t), plus the score at the last token
    A_t = sum_k (gamma lam)^k delta_{t+k},    delta_t = r_t + gamma V_{t+1} - V_t
    L   = E_t[-min(w_t A_t, clip(w_t) A_t)] + vf_coef E_t[1/2 max((V - R)^2, (clip(V) - R)^2)]

Schulman et al., arXiv 1707.06347; for language models Ziegler et al., arXiv 1909.08593. w =
pi_theta / pi_old; R = A + V, after which A is whitened over the step; E_t is the mean over the
step's tokens; V is a linear head on the policy's last hidden states.

With `normalise`, running moments bring scores to mean 0 and standard deviation 1: the DPO paper
found that PPO needs this (arXiv 2305.18290, section 6). With `target_kl` the coefficient follows
the KL of whole answers; otherwise it is fixed. `ppo_gt` is the same with the benchmark's
ground-truth reward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from suite import Method, OnlineMethod, TrainState, hookimpl, losses
from suite.ranges import Count, Fraction, NonNegative, Positive, Share
from suite.stats import Moments

if TYPE_CHECKING:
    from torch import Tensor, nn

    from suite import Part, Rollouts


@dataclass(frozen=True)
class PPOConfig:
    """The weight of the KL, the two clips, and how advantages are computed."""

    kl_coef: Positive = 0.05
    """Weight of the KL to the starting model, reward per nat; with target_kl its first value."""
    target_kl: Positive | None = None
    """KL of whole answers, nats, that kl_coef adapts to (DPO's paper: 3, 6, 9, 12); none: fixed."""
    clip: Fraction = 0.2
    """How far pi / pi_old may leave 1."""
    value_clip: Positive = 0.2
    """How far a value may leave the old one."""
    vf_coef: NonNegative = 0.1
    """Weight of the value loss."""
    gamma: Share = 1.0
    """Discount per token."""
    lam: Share = 0.95
    """Lambda of the generalised advantages."""
    updates: Count = 4
    """Steps of the optimiser on the same answers."""
    normalise: bool = True
    """Bring scores to mean 0 and standard deviation 1, by the moments of all scores so far."""
    max_new_tokens: Count = 64
    """Longest answer, in tokens."""


class PPO(OnlineMethod[PPOConfig]):
    """Proximal policy optimisation on a reward model."""

    name = "ppo"
    train_defaults: ClassVar = {"lr": 3e-6, "batch_size": 64, "epochs": 1}
    Config = PPOConfig

    def __init__(self, config: PPOConfig) -> None:
        super().__init__(config)
        self.updates, self.kl_coef, self.moments = config.updates, config.kl_coef, Moments()

    def heads(self, hidden_size: int) -> Mapping[str, nn.Module]:
        """The value head. It starts at 0, so the first advantages come from the rewards alone."""
        from torch import nn

        head = nn.Linear(hidden_size, 1)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return {"value": head}

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Keep the value head, too."""
        super().begin(state, roles)
        self.value_head = state.heads["value"]

    def values(self, hidden: Tensor) -> Tensor:
        """V before each token, in fp32. Shape: (N, d) -> (N,)."""
        values: Tensor = self.value_head(hidden.float())
        return values[:, 0].float()

    def credit(self, rollouts: Rollouts) -> None:
        """Advantages and returns of every token."""
        import torch

        if self.config.normalise:
            self.moments = self.moments.updated(rollouts.rewards.flatten().tolist())
        for part in rollouts.parts:
            with torch.no_grad():
                self._credit_part(part)
        # Whitened over the whole step, so that the parts, cut to fit the memory, do not matter.
        sizes = [len(part.logps) for part in rollouts.parts]
        advantages = torch.cat([part.extra["advantages"] for part in rollouts.parts])
        whitened = torch.split(losses.whiten(advantages), sizes)
        for part, of_part in zip(rollouts.parts, whitened, strict=True):
            part.extra["advantages"] = of_part

    def _credit_part(self, part: Part) -> None:
        """Put advantages, values and returns into the part; each (N,)."""
        scores = self.moments.normalised(part.rewards) if self.config.normalise else part.rewards
        rewards = losses.token_rewards(
            scores, part.padded(part.log_ratios), part.mask, kl_coef=self.kl_coef
        )
        values = self.values(part.hidden)
        gamma, lam = self.config.gamma, self.config.lam
        padded = losses.gae(rewards, part.padded(values), part.mask, gamma=gamma, lam=lam)  # (B, T)
        advantages = padded[part.mask]  # (N,)
        part.extra |= {"advantages": advantages, "values": values, "returns": advantages + values}

    def rollout_loss(self, scored: Any, part: Part) -> Tensor:
        """Clipped surrogate plus clipped value loss, mean over the step's tokens."""
        extra = part.extra
        policy = losses.clipped_surrogate(
            scored.token_logps, part.logps, extra["advantages"], clip=self.config.clip
        )
        value = losses.clipped_value(
            self.values(scored.hidden),
            extra["values"],
            extra["returns"],
            clip=self.config.value_clip,
        )
        return part.texts.token_mean(policy + self.config.vf_coef * value)

    def after(self, rollouts: Rollouts) -> None:
        """Adapt the KL coefficient."""
        if self.config.target_kl is not None:
            kl = float(rollouts.sequence_log_ratios.mean())
            self.kl_coef = losses.adaptive_kl_coef(self.kl_coef, kl, self.config.target_kl)

    def logged(self) -> dict[str, float]:
        """The coefficient of this step."""
        return {"kl_coef": self.kl_coef}

    def state_dict(self) -> dict[str, Any]:
        """The KL coefficient and the moments of the scores."""
        return {"kl_coef": self.kl_coef, "moments": list(self.moments.state)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore them."""
        self.kl_coef, self.moments = state["kl_coef"], Moments(*state["moments"])


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PPO]
