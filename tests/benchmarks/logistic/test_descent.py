"""A method that writes where it may only read is named here as in the training of language
models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from suite_benchmarks.logistic.descent import descend
from suite_benchmarks.logistic.policy import Labelled
from torch import Tensor

from suite import LossOutput, Method
from suite.core.errors import PluginError


@dataclass(frozen=True)
class Settings:
    pass


class Base(Method[Settings]):
    name = "mine"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = Settings

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        return LossOutput(batch["forget"].mean(policy(batch["forget"]).logps))


class Early(Base):
    def begin(self, state: Any, roles: Any) -> None:
        state.parameters[0].data.zero_()


class InStep(Base):
    def train_step(self, state: Any, micro_batches: Any) -> Any:
        micro_batches[0]["forget"].targets[0] = 1
        return super().train_step(state, micro_batches)


class InLoss(Base):
    def loss(self, policy: Any, batch: Any) -> LossOutput:
        policy.model.weight.data.mul_(0.5)
        return super().loss(policy, batch)


class Late(Base):
    @contextmanager
    def result(self, state: Any) -> Iterator[None]:
        state.parameters[0].data.zero_()
        yield


class NoStep(Base):
    def train_step(self, state: Any, micro_batches: Any) -> Any:
        return 0.5


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (Early, "begin changed weight 'weight' of the model in place"),
        (InStep, r"train_step changed batch\[0\]\['forget'\].targets in place"),
        (InLoss, "loss changed weight 'weight' of the model in place"),
        (Late, "result changed weight 'weight' of the model in place"),
        (NoStep, "train_step must return a StepOutput, not 0.5"),
    ],
)
def test_what_a_method_writes_is_named(
    small: tuple[Labelled, Tensor], cls: Callable[[Settings], Base], said: str
) -> None:
    rows, start = small
    with pytest.raises(PluginError, match=f"^method 'mine': {said}"):
        descend(cls(Settings()), start, {"forget": rows}, lr=0.3, at=[0, 2])
