"""GA, gradient ascent on the forget set.

    L = (1/N) sum_t log pi_theta(y_t | x, y_<t)        minus the cross-entropy on forget answers

TOFU, arXiv 2401.06121; analysed in NPO, arXiv 2404.05868. The loss is unbounded below: trained long
enough, the model collapses. Papers differ in when they stop; here it runs for the epochs given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl


@dataclass(frozen=True)
class GAConfig:
    """Nothing to set."""


class GA(Method[GAConfig]):
    """Gradient ascent: raise the cross-entropy on the forget set."""

    name = "ga"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = GAConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Minus the token-mean cross-entropy."""
        forget = batch["forget"]
        return LossOutput(forget.token_mean(policy(forget).token_logps))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [GA]
