"""Online methods: they sample answers from the policy, have them rewarded, and reinforce the better
ones.

    class RLOO(OnlineMethod[RLOOConfig]):
        name, Config = "rloo", RLOOConfig

        def credit(self, rollouts):          # what each answer (or token) is worth
            rollouts.spread("advantages", losses.rloo_advantages(rollouts.rewards))

        def rollout_loss(self, scored, part):  # a micro-batch's share of the loss
            gains = part.extra["advantages"] * scored.token_logps
            return part.texts.mean(part.texts.row_sum(-gains))

A step: sample, reward and score answers to `batch_size` prompts, `credit` them, then descend
`updates` times on `rollout_loss` over the same answers. The frozen reference is a copy of the
starting model: answers are new in every step, so nothing of it can be computed beforehand.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from suite.api.batch import Batch, Policy
from suite.api.method import C, Method
from suite.api.step import LossOutput, StepOutput, TrainState

if TYPE_CHECKING:
    from torch import Tensor

    from suite.api.data import Encoded
    from suite.model.logprobs import LMPolicy
    from suite.train.rollouts import Part, Rollouts


class OnlineMethod(Method[C]):
    """Base class of methods that learn from their own answers. `Config` must have
    `max_new_tokens`."""

    family = "alignment"
    roles = frozenset({"prompts"})
    needs_reward: ClassVar[Literal["", "ground_truth", "model", "own"]] = "model"
    batch_coupled = True
    samples: int = 1
    """Answers to each prompt of a step, G."""
    updates: int = 1
    """Steps of the optimiser on the same answers."""

    def __init__(self, config: C) -> None:
        super().__init__(config)
        self.prompts: dict[str, Encoded] = {}
        self.reference: LMPolicy | None = None

    @property
    def uses_reference(self) -> bool:
        """Whether the KL to the starting model counts; without, no copy of it is kept."""
        return True

    @abstractmethod
    def credit(self, rollouts: Rollouts) -> None:
        """Put into each part's `extra` what `rollout_loss` wants, e.g. advantages."""

    @abstractmethod
    def rollout_loss(self, scored: Any, part: Part) -> Tensor:
        """The micro-batch's share of the loss; `scored`: what the policy in training says of
        `part.texts`."""

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Keep the prompts, and a frozen copy of the starting model."""
        from suite.train.rollouts import frozen

        self.prompts = {row.id: row for row in roles["prompts"]}
        self.reference = frozen(state) if self.uses_reference else None

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """`rollout_loss` of one part."""
        part: Part = batch["rollouts"]
        return LossOutput(self.rollout_loss(policy(part.texts), part))

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """Sample, credit, descend."""
        from suite.train.rollouts import collect

        settings: Any = self.config
        prompts = [self.prompts[id] for batch in micro_batches for id in batch["prompts"].ids]
        rollouts = collect(
            state,
            prompts,
            self.reference,
            samples=self.samples,
            max_new_tokens=settings.max_new_tokens,
        )
        self.credit(rollouts)
        metrics = {**rollouts.metrics(), **self.logged()}
        for _ in range(self.updates):
            parts = state.placement.share(rollouts.parts)
            batches: list[Batch] = [{"rollouts": part} for part in parts]
            output = state.descend(state.loss(self, batch) for batch in batches)
        state.scheduler.step()
        self.after(rollouts)
        return StepOutput(output.loss, output.grad_norm, metrics)

    def after(self, rollouts: Rollouts) -> None:
        """Called at the end of a step, e.g. to adapt a coefficient."""

    def logged(self) -> dict[str, float]:
        """Further numbers to log."""
        return {}
