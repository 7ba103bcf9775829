"""A method at work on the kit's model, as the training loop would run it.

trial = method.trial()
trial.step()                     a step of plain gradient descent
trial.gradients                  what it descended by, by name of the parameter
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from suite.api.batch import Batch
from suite.api.data import Encoded, EncodedPair, Item
from suite.api.method import Method
from suite.api.returned import check_step
from suite.api.step import StepOutput, TrainState
from suite.core.errors import DivergedError
from suite.model.batch import PairBatch, TextBatch, collate
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy, head_of
from suite.model.reference import References
from suite.testing.model import fresh_model, reference_of
from suite.testing.rules import Broken
from suite.testing.texts import PAD
from suite.train.sampling import micro_batches

LR = 0.05
"""Of plain gradient descent: far enough that the next step is not at the start."""


class Recorder(torch.optim.SGD):
    """Gradient descent that remembers the gradients which it was given."""

    def __init__(self, named: Mapping[str, nn.Parameter], lr: float) -> None:
        super().__init__(list(named.values()), lr=lr)
        self.named = named
        self.gradients: dict[str, Tensor] = {}

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Remember, then descend."""
        for name, parameter in self.named.items():
            if parameter.grad is not None:
                before = self.gradients.get(name, 0.0)
                self.gradients[name] = before + parameter.grad.clone()
        super().step(closure)


class Watched(dict[str, Any]):
    """A micro-batch that notes which of its roles are read."""

    def __init__(self, batch: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(batch)
        self.read = read

    def __getitem__(self, role: str) -> Any:
        """Note the role."""
        self.read.add(role)
        return super().__getitem__(role)

    def get(self, role: str, default: Any = None) -> Any:
        """Note the role."""
        self.read.add(role)
        return super().get(role, default)

    def __iter__(self) -> Any:
        """So that `{**batch}` reads every role by name."""
        return super().__iter__()

    def __missing__(self, role: str) -> Any:
        """A role that was not declared is not in a batch."""
        raise Broken(
            f"it asks the batch for {role!r}, which `roles` does not declare",
            f'`roles` names every role that the loss reads, here also "{role}"',
        )


@dataclass
class Trial:
    """A method on the starting model, with rows and references as the host gives them."""

    method: Method[Any]
    state: TrainState
    roles: Mapping[str, Sequence[Item]]
    references: References
    read: set[str]
    """Roles that the method has read."""

    @property
    def policy(self) -> LMPolicy:
        """The policy in training."""
        return cast(LMPolicy, self.state.policy)

    @property
    def gradients(self) -> dict[str, Tensor]:
        """What the last step descended by; {} if it took none."""
        return cast(Recorder, self.state.optimizer).gradients

    @property
    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights in training."""
        return {name: p.detach().clone() for name, p in self.policy.model.named_parameters()}

    def batches(self, limit: int = 0, pad_id: int = PAD) -> list[Batch]:
        """A step over all rows, in parts of at most `limit` rows."""
        cut = 0 if self.method.batch_coupled else limit
        return list(micro_batches(self.roles, cut, pad_id, self.references))

    def batch_in_order(self, roles: Mapping[str, Sequence[Item]]) -> Batch:
        """A step over these rows in one part, in the order given."""
        found = {role: self._collate(role, items) for role, items in roles.items()}
        return cast(Batch, found)

    def _collate(self, role: str, items: Sequence[Item]) -> TextBatch | PairBatch:
        def batch(texts: list[Encoded]) -> TextBatch:
            return self.references.attach(role, texts, collate(texts, PAD))

        pairs = [item for item in items if isinstance(item, EncodedPair)]
        if pairs:
            return PairBatch(batch([p.chosen for p in pairs]), batch([p.rejected for p in pairs]))
        return batch([item for item in items if isinstance(item, Encoded)])

    def step(self, batches: Sequence[Batch] | None = None) -> StepOutput:
        """One step of the optimiser. Broken: loss or gradient are not finite."""
        watched = [
            Watched(cast("Mapping[str, Any]", b), self.read) for b in batches or self.batches()
        ]
        if isinstance(self.state.optimizer, Recorder):
            self.state.optimizer.gradients = {}
        try:
            output = self.method.train_step(self.state, cast("list[Batch]", watched))
            check_step(self.method, self.state.step, output)
        except DivergedError as error:
            raise Broken(str(error), "a finite loss with a finite gradient") from None
        self.state.step += 1
        return output

    def loss(self) -> float:
        """The loss of a whole step, without taking it."""
        with torch.no_grad():
            parts = [self.method.loss(self.state.policy, batch).loss for batch in self.batches()]
        return float(sum(map(float, parts)))


def start(
    method: Method[Any],
    rows: Mapping[str, Sequence[Item]],
    *,
    seed: int = 0,
    packs: bool = True,
    dtype: str = "float32",
    adam: float = 0.0,
    micro_batch: int = 0,
) -> Trial:
    """Let a method begin, as the training loop does. `adam`: train by AdamW at this rate."""
    torch.manual_seed(seed)
    roles = method.select({role: rows[role] for role in sorted(method.roles)})
    model = fresh_model(packs=packs)
    modules = {"model": model, **method.heads(model.config.hidden_size)}
    named: dict[str, nn.Parameter] = {}
    for prefix, module in modules.items():
        named |= {f"{prefix}.{name}": each for name, each in module.named_parameters()}
    parameters = list(named.values())
    optimizer: torch.optim.Optimizer = Recorder(named, LR)
    if adam:
        optimizer = torch.optim.AdamW(parameters, lr=adam, weight_decay=0.0)
    state = TrainState(
        policy=cast(Any, LMPolicy(model, head_of(model).weight.detach().clone())),
        parameters=parameters,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0),
        max_grad_norm=1.0,
        autocast=autocast(dtype, "cpu"),
        seed=seed,
        micro_batch=micro_batch,
        heads={name: module for name, module in modules.items() if name != "model"},
        rewarder=_reward if method.needs_reward else None,
    )
    method.begin(state, roles)
    return Trial(method, state, roles, _references(method, roles), set())


def _references(method: Method[Any], roles: Mapping[str, Sequence[Item]]) -> References:
    """What the host computes for the method, and nothing else."""
    found = References()
    for role, items in roles.items():
        hidden = role in method.needs_reference_hidden
        if hidden or (method.needs_reference and role != "retain"):
            reference_of(role, items, found, hidden=hidden)
    return found


def _reward(texts: Sequence[Encoded]) -> list[float]:
    """A reward for online methods: it differs between answers, whatever the model."""
    return [math.sin(sum(text.completion_ids)) for text in texts]
