"""Checks of what a method returns in training: one line names the method and what was expected.

They look at types and at a few numbers, never at a tensor's contents: a step must not wait for
them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from suite.api.requests import Request, Response
from suite.core.errors import DivergedError, PluginError

LOGGED = frozenset({"step", "tokens", "loss", "grad_norm"})
"""What log.jsonl holds of every step, beside a method's own metrics."""


def check_loss(method: Any, output: Any) -> None:
    """Refuse what is no `LossOutput` of a scalar with a gradient and of numbers by name."""
    import torch

    if not (hasattr(output, "loss") and hasattr(output, "metrics")):
        raise _wrong(method, f"loss must return a LossOutput, not {_shown(output)}")
    loss = output.loss
    if not isinstance(loss, torch.Tensor):
        raise _wrong(method, f"the loss of its LossOutput must be a Tensor, not {_shown(loss)}")
    if loss.shape != ():
        raise _wrong(method, f"its loss has shape {tuple(loss.shape)}, not ()")
    if not loss.requires_grad:
        raise _wrong(method, "its loss has no gradient")
    for name, value in _by_name(method, "loss", output.metrics).items():
        scalar = isinstance(value, torch.Tensor) and value.numel() == 1
        if not (scalar or _is_number(value)):
            raise _wrong(method, f"metric {name!r} of loss must be one number, not {_shown(value)}")


def check_pair_loss(method: Any, found: Any, shape: Sequence[int]) -> None:
    """Refuse what is no tensor with a number for each pair."""
    import torch

    if not isinstance(found, torch.Tensor):
        raise _wrong(
            method, f"pair_loss must return a Tensor, one loss a pair, not {_shown(found)}"
        )
    if found.shape != shape:
        wanted = f"{tuple(shape)}, one loss a pair"
        raise _wrong(method, f"pair_loss has shape {tuple(found.shape)}, not {wanted}")


def check_roles(method: Any, roles: Any) -> None:
    """Refuse what `select` gives if it is no mapping from roles to rows."""
    if not isinstance(roles, Mapping):
        raise _wrong(method, f"select must return rows by role, not {_shown(roles)}")


def check_heads(method: Any, heads: Any) -> None:
    """Refuse what `heads` gives if it is no mapping from names to modules."""
    from torch import nn

    if isinstance(heads, Mapping) and all(isinstance(h, nn.Module) for h in heads.values()):
        return
    raise _wrong(method, f"heads must return modules by name, not {_shown(heads)}")


def check_result(method: Any, result: Any) -> None:
    """Refuse what `result` gives if it is no context manager."""
    if not isinstance(result, AbstractContextManager):
        raise _wrong(method, f"result must return a context manager, not {_shown(result)}")


def check_answers(method: Any, asked: Sequence[Request], answers: Any) -> None:
    """Refuse what `respond` gives if it is no list with a response to every request."""
    if not isinstance(answers, Sequence) or isinstance(answers, str):
        raise _wrong(method, f"respond must return a list of responses, not {_shown(answers)}")
    for answer in answers:
        if not isinstance(answer, Response):
            raise _wrong(method, f"respond must return responses, not {_shown(answer)}")
    answered = {answer.id for answer in answers}
    for request in asked:
        if request.id not in answered:
            raise _wrong(method, f"respond left the request {request.id!r} without an answer")


def check_step(method: Any, step: int, output: Any) -> None:
    """Refuse what is no `StepOutput` of finite numbers. DivergedError: loss or gradient are not.

    A metric that is not finite cannot be written down: JSON has no such number.
    """
    if not all(hasattr(output, name) for name in ("loss", "grad_norm", "metrics")):
        raise _wrong(method, f"train_step must return a StepOutput, not {_shown(output)}")
    for name in ("loss", "grad_norm"):
        value = getattr(output, name)
        if not _is_number(value):
            raise _wrong(method, f"train_step: {name} must be a float, not {_shown(value)}")
    if not (math.isfinite(output.loss) and math.isfinite(output.grad_norm)):
        raise DivergedError(f"step {step}: loss {output.loss}, gradient norm {output.grad_norm}")
    for name, value in _by_name(method, "train_step", output.metrics).items():
        if name in LOGGED:
            raise _wrong(method, f"metric {name!r} has the name of what is logged of every step")
        if not (_is_number(value) and math.isfinite(value)):
            raise _wrong(
                method, f"step {step}: metric {name!r} must be a finite number, not {_shown(value)}"
            )


def _by_name(method: Any, where: str, metrics: Any) -> Mapping[str, Any]:
    if isinstance(metrics, Mapping) and all(isinstance(name, str) for name in metrics):
        return metrics
    raise _wrong(method, f"the metrics of {where} must be numbers by name, not {_shown(metrics)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """A number as it is, of anything else its type: a tensor may be long."""
    plain = value is None or isinstance(value, int | float | str | type)
    return repr(value)[:80] if plain else f"a {type(value).__name__}"


def _wrong(method: Any, problem: str) -> PluginError:
    return PluginError(type(method), f"method {method.name!r}: {problem}")
