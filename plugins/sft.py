"""SFT: cross-entropy on demonstrations. Target and retrain models are made with it.

    L = -(1/N) sum_t log pi_theta(y_t | x, y_<t)

N: completion tokens of the step, end-of-sequence included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from suite import Batch, LossOutput, Method, Policy, hookimpl


@dataclass(frozen=True)
class SFTConfig:
    """Nothing to set."""


class SFT(Method[SFTConfig]):
    """Supervised fine-tuning: cross-entropy on demonstrations."""

    name = "sft"
    family = "baseline"
    roles = frozenset({"demonstrations"})
    serves = "start"
    Config = SFTConfig

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Token-mean cross-entropy."""
        texts = batch["demonstrations"]
        return LossOutput(texts.token_mean(-policy(texts).token_logps))


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [SFT]
