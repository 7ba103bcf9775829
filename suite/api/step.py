"""One step of the optimiser: what it works on, what a loss hands to it, what it did.

for batch in micro_batches:                     default_train_step, in short
    output = state.loss(method, batch)          each loss is a share of the step's
state.descend(outputs)                          backward, clip, step
state.scheduler.step()
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from suite.api.batch import Batch, Policy
from suite.api.placement import Placement
from suite.api.returned import check_loss, check_result, check_step
from suite.api.reward import Rewarder
from suite.api.untouched import Watch, bits_of, check_bits, is_thorough, tensors_in
from suite.core.errors import DivergedError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

BF16_GAIN = "bf16_gain"
"""Logged at each kept epoch of a run in bfloat16: see `suite.model.rounding.gain`."""
TOTAL = ""
"""The loss among the numbers of a step: no metric has an empty name."""


@dataclass(frozen=True)
class LossOutput:
    """The loss of one micro-batch."""

    loss: Tensor
    """Scalar: this micro-batch's share of the step's loss (use `texts.mean`,
    `texts.token_mean`)."""
    metrics: Mapping[str, Tensor | float] = field(default_factory=dict)
    """Scalars to log; shares as well: they are summed over the step's micro-batches."""


@dataclass(frozen=True)
class StepOutput:
    """What one optimiser step did."""

    loss: float
    grad_norm: float
    metrics: Mapping[str, float]


class HasLoss(Protocol):
    """The part of a method that a step needs."""

    name: ClassVar[str]

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """The micro-batch's share of the loss."""
        ...


class Trains(HasLoss, Protocol):
    """The part of a method that a training needs."""

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Prepare for the first step."""
        ...

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """Take one step."""
        ...

    def result(self, state: TrainState) -> AbstractContextManager[Any]:
        """Hold the weights that are delivered."""
        ...


@dataclass
class TrainState:
    """What a train step works on."""

    policy: Policy
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    scheduler: LRScheduler
    max_grad_norm: float
    autocast: Callable[[], Any]
    """Returns the context manager under which the forward pass runs (bf16 or nothing)."""
    step: int = 0
    seed: int = 0
    micro_batch: int = 0
    """Largest number of sequences in one forward pass; 0: no limit."""
    heads: Mapping[str, nn.Module] = field(default_factory=dict)
    """What `Method.heads` gave, in training too."""
    rewarder: Rewarder | None = None
    """The reward of tokenised texts; only if the method `needs_reward`."""
    unknown_ids: tuple[int, ...] = ()
    """Rows of the model's embedding that are no tokens: nothing may sample them."""
    placement: Placement = field(default_factory=Placement)
    """Where the model lies: whole on one device, or in shards."""

    @cached_property
    def kept(self) -> dict[str, Tensor]:
        """Every weight by its name, and the reference's: what only a step may change."""
        modules = {"model": getattr(self.policy, "model", None), **self.heads}
        named: dict[str, Tensor] = {}
        for module, weights in modules.items():
            for name, weight in weights.named_parameters() if weights is not None else ():
                named[f"weight {name!r} of the {module}"] = self.placement.held(weight)
        reference = getattr(self.policy, "reference_head", None)
        if reference is not None:
            named["the reference's output embedding"] = reference
        return named

    def begin(self, method: Trains, roles: Mapping[str, Sequence[Any]]) -> None:
        """Let the method prepare itself. PluginError if it changed weights."""
        watch = Watch(method, "begin", self.kept, thorough=True)
        method.begin(self, roles)
        watch.check()

    def advance(self, method: Trains, micro_batches: Sequence[Batch]) -> StepOutput:
        """Let the method take one step. PluginError if it changed the batch, or returned no
        `StepOutput` of numbers."""
        read = dict(tensors_in(dict(enumerate(micro_batches)), "batch"))
        watch = Watch(method, "train_step", read)
        output = method.train_step(self, micro_batches)
        watch.check()
        check_step(method, self.step, output)
        self.step += 1
        return output

    @contextmanager
    def delivered(self, method: Trains) -> Iterator[None]:
        """While it is open, the weights are what the method delivers. PluginError if they are
        others afterwards."""
        before = bits_of(self.kept)
        result = method.result(self)
        check_result(method, result)
        with result:
            yield
        check_bits(method, "result", self.kept, before)

    def loss(self, method: HasLoss, batch: Batch) -> LossOutput:
        """The loss of a micro-batch, in the precision of the run. PluginError if it is no
        `LossOutput` of a scalar with a gradient and of numbers, or if it changed what it read."""
        with self.autocast():
            # Within, for in bf16 the weights are rounded when it is entered.
            read = {**self.kept, **dict(tensors_in(batch, "batch"))}
            watch = Watch(method, "loss", read, thorough=is_thorough(self.step))
            output = method.loss(self.policy, batch)
            watch.check()
        check_loss(method, output)
        return output

    def descend(self, parts: Iterable[LossOutput]) -> StepOutput:
        """One step of the optimiser: backward for each micro-batch, then clip and step.

        Each micro-batch's loss is its share of the step's (it was divided by the step's count), so
        gradients just add up. Raises DivergedError before the weights change if loss or gradient is
        not finite.
        """
        import torch

        total = 0.0
        metrics = Counter[str]()
        for output in parts:
            output.loss.backward()  # type: ignore[no-untyped-call]
            total += float(output.loss.detach())
            metrics.update(
                {name: float(torch.as_tensor(v).detach()) for name, v in output.metrics.items()}
            )
        whole = self.placement.total({**metrics, TOTAL: total})
        total = whole.pop(TOTAL)
        norm = self.placement.clip(self.parameters, self.max_grad_norm)
        if not math.isfinite(total) or not math.isfinite(norm):
            raise DivergedError(f"step {self.step}: loss {total}, gradient norm {norm}")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return StepOutput(total, norm, whole)
