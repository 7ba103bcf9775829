"""Task vector: fine-tune on the forget set, then go the opposite way.

    theta = theta_0 - scale (theta_ft - theta_0)        theta_ft: trained on CE(forget) from theta_0

Ilharco et al., arXiv 2212.04089. The delivered weights are never trained to forget: they are
computed. After every epoch the negation of that epoch's fine-tuned weights is delivered; training
goes on from the fine-tuned weights themselves. The paper chooses the scale on held-out data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, LossOutput, Method, Policy, TrainState, UserError, hookimpl
from suite.ranges import NonNegative

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TaskVectorConfig:
    """How far to go the opposite way."""

    scale: NonNegative = 1.0
    """The paper's lambda; 0 delivers the starting model."""


class TaskVector(Method[TaskVectorConfig]):
    """Negated fine-tuning on the forget set."""

    name = "task_vector"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = TaskVectorConfig

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Keep the starting weights.

        UserError with LoRA, whose two factors cannot be negated weight by weight.
        """
        if hasattr(state.policy.model, "get_base_model"):
            raise UserError("task_vector negates all weights: set task_vector.lora_rank to 0")
        self.start: list[Tensor] = [p.detach().clone() for p in state.parameters]

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Token-mean cross-entropy on forget: what is learnt here is taken away."""
        forget = batch["forget"]
        return LossOutput(forget.token_mean(-policy(forget).token_logps))

    @contextmanager
    def result(self, state: TrainState) -> Iterator[None]:
        """The negated weights; afterwards the fine-tuned ones again, bit for bit."""
        trained = [p.detach().clone() for p in state.parameters]
        for parameter, start in zip(state.parameters, self.start, strict=True):
            parameter.data.copy_(start - self.config.scale * (parameter.data - start))
        yield
        for parameter, weights in zip(state.parameters, trained, strict=True):
            parameter.data.copy_(weights)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [TaskVector]
