"""Online methods: advantages from rewards, and the losses that follow them.

Tokens of a rollout stand in rows: (B, T) with a mask (B, T) that is true on completion tokens,
padding on the right. Advantages carry no gradient; callers compute them from detached tensors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from suite.losses import checks

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = 1e-8
"""Added to a variance, so that equal values do not divide 0 by 0."""


def token_rewards(scores: Tensor, log_ratios: Tensor, mask: Tensor, *, kl_coef: float) -> Tensor:
    """PPO's reward of each token: -kl_coef (log pi - log pi_ref), plus the score at the last one.

    Shapes: (B,), (B, T), (B, T) -> (B, T), 0 outside the mask. Source: arXiv 1909.08593, equation
    2, spread over tokens.
    """
    checks.non_negative(kl_coef=kl_coef)
    rewards = (-kl_coef * log_ratios).masked_fill(~mask, 0.0)
    last = mask.sum(1, keepdim=True) - 1
    return rewards.scatter_add(1, last, scores[:, None].to(rewards.dtype))


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float = 1.0, lam: float = 0.95
) -> Tensor:
    """Generalised advantage estimation: A_t = delta_t + gamma lam A_{t+1}.

    delta_t = r_t + gamma V_{t+1} - V_t, and V = A = 0 behind the last token. The returns that the
    value head learns are A + V. Shapes: three (B, T) -> (B, T), 0 outside the mask. Source: arXiv
    1506.02438, equation 16.
    """
    checks.share(gamma=gamma, lam=lam)
    checks.alike(rewards=rewards, values=values)
    values = values.masked_fill(~mask, 0.0)
    advantage = next_value = torch.zeros_like(rewards[:, 0])
    columns = []
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        advantage = (delta + gamma * lam * advantage).masked_fill(~mask[:, t], 0.0)
        next_value = values[:, t]
        columns.append(advantage)
    return torch.stack(columns[::-1], dim=1)


def whiten(values: Tensor) -> Tensor:
    """Shift and scale to mean 0 and variance 1 over all elements. Shape: (N,) -> (N,).

    One element, or equal ones, give 0.
    """
    centred = values - values.mean()
    return centred * torch.rsqrt(torch.square(centred).mean() + EPSILON)


def clipped_surrogate(
    logps: Tensor, old_logps: Tensor, advantages: Tensor, *, clip: float = 0.2
) -> Tensor:
    """PPO's policy loss: -min(ratio A, clip(ratio, 1 - clip, 1 + clip) A), ratio = pi / pi_old.

    Shape: (N,). Log-ratios are cut at +-20 nats: beyond it, only the clipped side counts for A > 0,
    and exp would overflow for A < 0. Source: arXiv 1707.06347, equation 7.
    """
    checks.positive(clip=clip)
    checks.alike(logps=logps, old_logps=old_logps, advantages=advantages)
    ratio = (logps - old_logps).clamp(-20.0, 20.0).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def clipped_value(
    values: Tensor, old_values: Tensor, returns: Tensor, *, clip: float = 0.2
) -> Tensor:
    """PPO's value loss: 1/2 max((V - R)^2, (V_clipped - R)^2). Shape: (N,).

    V_clipped is V, kept within +-clip of the old V. Source: the implementation that goes with arXiv
    1707.06347.
    """
    checks.positive(clip=clip)
    checks.alike(values=values, old_values=old_values, returns=returns)
    near = old_values + (values - old_values).clamp(-clip, clip)
    return 0.5 * torch.maximum(torch.square(values - returns), torch.square(near - returns))


def adaptive_kl_coef(kl_coef: float, kl: float, target: float, *, gain: float = 0.1) -> float:
    """The KL coefficient for the next step: kl_coef (1 + gain e).

    e = clip(kl / target - 1, -0.2, 0.2). `kl`, `target`: nats per sequence. Source: arXiv
    1909.08593, section 2.2 (gain 0.1).
    """
    checks.positive(kl_coef=kl_coef, target=target, gain=gain)
    return kl_coef * (1 + gain * min(max(kl / target - 1, -0.2), 0.2))


def rloo_advantages(rewards: Tensor) -> Tensor:
    """Each reward minus the mean of the others of its prompt. Shape: (P, G) -> (P, G), G >= 2.

    Source: arXiv 2402.14740, equation 7: r_i - (sum r - r_i) / (G - 1).
    """
    size = _group(rewards)
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / (size - 1)


def grpo_advantages(rewards: Tensor, *, epsilon: float = 1e-4) -> Tensor:
    """Rewards of a prompt, minus their mean, over their standard deviation.

    Shape: (P, G) -> (P, G), G >= 2. The deviation is the sample's (over G - 1), as in TRL; equal
    rewards give 0. Source: arXiv 2402.03300, section 4.1.2.
    """
    _group(rewards)
    return (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + epsilon)


def sampled_kl(logps: Tensor, ref_logps: Tensor) -> Tensor:
    """Estimate of KL(policy || reference) from sampled tokens: e^d - d - 1, d = log ref - log pi.

    Shape: (N,). Unbiased and never negative. d is cut at 20 nats, since exp overflows further on.
    Source: arXiv 2402.03300, equation 4.
    """
    checks.alike(logps=logps, ref_logps=ref_logps)
    difference = (ref_logps - logps).clamp(max=20.0)
    return difference.exp() - difference - 1


def _group(rewards: Tensor) -> int:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(
            "rewards must have shape (prompts, samples) with 2 samples or more, "
            f"got {tuple(rewards.shape)}"
        )
    return rewards.shape[1]
