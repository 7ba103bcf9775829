"""Plain gradient descent with a method's loss.

Full batch, no momentum, no clipping, constant step size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from suite import Batch, Method, Policy, TrainState, UserError, interrupt

from .policy import Labelled, LogisticModel, LogisticPolicy


def generator(seed: int, repeat: int) -> torch.Generator:
    """Random numbers of their own for each repeat of each seed."""
    state = np.random.SeedSequence([seed, repeat]).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(state[0]))


def descend(
    method: Method[Any],
    start: Tensor,
    roles: Mapping[str, Labelled],
    *,
    lr: float,
    at: Sequence[int],
    advance: Callable[[int], None] = lambda steps: None,
) -> Tensor:
    """Train from `start`, (d,); return what is delivered after the steps `at`, (len(at), d).

    `at`: increasing; 0 is the start. Raises DivergedError as any training does.
    """
    state = _begin(method, LogisticModel(start), lr, roles)
    # Labelled inputs stand for texts of one token: what these losses read of `Texts`, they have.
    batch = cast(Batch, {role: roles[role] for role in method.roles})
    delivered = []
    for last in at:
        while state.step < last:
            state.advance(method, [batch])
            advance(1)
            interrupt.check()
        with state.delivered(method):
            delivered.append(state.parameters[0].detach().clone())
    return torch.stack(delivered)


def _begin(
    method: Method[Any], model: LogisticModel, lr: float, roles: Mapping[str, Labelled]
) -> TrainState:
    """The state before the first step. UserError for a method that cannot train a classifier."""
    lacking = ", ".join(sorted(method.roles - set(roles)))
    if lacking:
        offered = ", ".join(roles)
        raise UserError(f"method {method.name!r} needs {lacking}; this split offers {offered}")
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    constant = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    state = TrainState(
        policy=cast(Policy, LogisticPolicy(model)),
        parameters=[model.weight],
        optimizer=optimizer,
        scheduler=constant,
        max_grad_norm=0.0,
        autocast=nullcontext,
    )
    try:
        state.begin(method, {role: range(len(roles[role].targets)) for role in method.roles})
    except AttributeError as error:
        raise UserError(f"method {method.name!r} needs a language model: {error}") from None
    return state
