"""PPO-GT: PPO on the benchmark's ground-truth reward instead of a learned one.

DPO's paper, arXiv 2305.18290, section 6. An oracle: what PPO would reach if its reward model made
no mistakes. Equations and settings are those of `ppo`.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from suite import Method, hookimpl

from .ppo import PPO


class PPOGroundTruth(PPO):
    """Proximal policy optimisation on the ground-truth reward."""

    name = "ppo_gt"
    needs_reward: ClassVar[Literal["", "ground_truth", "model", "own"]] = "ground_truth"


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [PPOGroundTruth]
