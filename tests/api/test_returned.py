"""What a method returns in training by mistake is said in one line that names it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from suite import LossOutput, StepOutput
from suite.api.returned import check_loss, check_step
from suite.core.errors import DivergedError, PluginError

METHOD = SimpleNamespace(name="mine")
LOSS = torch.zeros((), requires_grad=True)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "loss must return a LossOutput, not None"),
        (LOSS, "loss must return a LossOutput, not a Tensor"),
        (LossOutput, "loss must return a LossOutput, not <class"),
        (LossOutput(0.5), "the loss of its LossOutput must be a Tensor, not 0.5"),  # type: ignore[arg-type]
        (LossOutput(LOSS[None]), r"its loss has shape \(1,\), not \(\)"),
        (LossOutput(LOSS.detach()), "its loss has no gradient"),
        (LossOutput(LOSS, [1.0]), "must be numbers by name, not a list"),  # type: ignore[arg-type]
        (LossOutput(LOSS, {"kl": "big"}), "metric 'kl' of loss must be one number, not 'big'"),  # type: ignore[dict-item]
        (LossOutput(LOSS, {"kl": torch.ones(2)}), "'kl' of loss must be one number, not a Tensor"),
    ],
)
def test_a_loss_of_the_wrong_type(output: Any, said: str) -> None:
    with pytest.raises(PluginError, match=f"^method 'mine': .*{said}"):
        check_loss(METHOD, output)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (None, "train_step must return a StepOutput, not None"),
        (LOSS, "train_step must return a StepOutput, not a Tensor"),
        (StepOutput(LOSS, 1.0, {}), "train_step: loss must be a float, not a Tensor"),  # type: ignore[arg-type]
        (StepOutput(1.0, None, {}), "grad_norm must be a float, not None"),  # type: ignore[arg-type]
        (StepOutput(1.0, 1.0, None), "must be numbers by name, not None"),  # type: ignore[arg-type]
        (StepOutput(1.0, 1.0, {"kl": math.nan}), "'kl' must be a finite number, not nan"),
        (StepOutput(1.0, 1.0, {"kl": -math.inf}), "'kl' must be a finite number, not -inf"),
        (StepOutput(1.0, 1.0, {"kl": LOSS}), "'kl' must be a finite number, not a Tensor"),  # type: ignore[dict-item]
        (StepOutput(1.0, 1.0, {"tokens": 3.0}), "'tokens' has the name of what is logged"),
    ],
)
def test_a_step_of_the_wrong_type(output: Any, said: str) -> None:
    with pytest.raises(PluginError, match=f"^method 'mine': .*{said}"):
        check_step(METHOD, 3, output)


def test_a_step_that_is_not_finite_has_diverged() -> None:
    with pytest.raises(DivergedError, match="step 3: loss nan"):
        check_step(METHOD, 3, StepOutput(math.nan, 1.0, {}))


def test_sound_outputs_pass() -> None:
    check_loss(METHOD, LossOutput(LOSS, {"a": 1, "b": torch.ones(()), "c": 0.5}))
    check_step(METHOD, 0, StepOutput(1.0, 0.0, {"a": 1, "b": 0.5}))
