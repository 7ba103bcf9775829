"""The optimiser: AdamW, with moments in float32 or in 8 bits, on weights of any precision.

    optimizer = make_optimizer(config, parameters, seed)

On bfloat16 weights no small update is lost. AdamW moves a weight by about the learning rate; a
bfloat16 number of the size of a weight has no neighbour so near, so a plain update would be rounded
away, step after step. Here each bfloat16 weight is widened to float32, updated, and rounded up or
down by chance, so that its mean is what was computed. One tensor at a time: only one is in float32
at any moment. Moments stay as the optimiser keeps them. Chance is a function of (seed, step), so a
resumed run repeats it to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from suite.model.rounding import stochastically
from suite.settings import TrainConfig
from suite.store.seeds import hash_seed

Make = Callable[[list[nn.Parameter]], Optimizer]
"""Makes an optimiser of parameters."""


def make_optimizer(config: TrainConfig, parameters: Sequence[nn.Parameter], seed: int) -> Optimizer:
    """The optimiser that the settings name, for weights of any precision."""
    make = _maker(config)
    wide = all(parameter.dtype == torch.float32 for parameter in parameters)
    if wide and config.optimizer == "adamw":
        return make(list(parameters))
    # bitsandbytes shares tables between tensors of one optimiser; a checkpoint cannot hold that.
    return Widened(parameters, make, seed if config.rounding == "stochastic" else None)


def _maker(config: TrainConfig) -> Make:
    """What makes the optimiser of the setting."""
    if config.optimizer == "adamw":
        return partial(AdamW, lr=config.lr, weight_decay=config.weight_decay, fused=True)
    from bitsandbytes import optim

    kinds = {
        "adamw_8bit": optim.AdamW8bit,
        "paged_adamw": optim.PagedAdamW,
        "paged_adamw_8bit": optim.PagedAdamW8bit,
    }
    return partial(kinds[config.optimizer], lr=config.lr, weight_decay=config.weight_decay)


class Widened(Optimizer):
    """Shows float32 weights to an optimiser of float32 weights, one tensor at a time.

    `seed`: of stochastic rounding; None: updates are rounded to the nearest bfloat16 number.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], make: Make, seed: int | None) -> None:
        self.parameters = list(parameters)
        self.inner = [make([parameter]) for parameter in self.parameters]
        self.seed = seed
        self.steps = 0
        super().__init__(self.parameters, {})
        self._share_groups()

    def _share_groups(self) -> None:
        """A scheduler that sets the learning rate here sets it for each tensor's optimiser."""
        self.param_groups = [group for inner in self.inner for group in inner.param_groups]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every tensor that has a gradient."""
        generators: dict[torch.device, torch.Generator] = {}
        place = hash_seed(self.seed, "updates", self.steps)
        for parameter, inner in zip(self.parameters, self.inner, strict=True):
            if parameter.grad is None:
                continue
            with widened(parameter) as kept:
                inner.step()
                if kept is None:
                    continue
                if self.seed is None:
                    kept.copy_(parameter.data)
                    continue
                device = kept.device
                if device not in generators:
                    generators[device] = torch.Generator(device).manual_seed(place)
                kept.copy_(stochastically(parameter.data, generators[device]))
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """The state of each tensor's optimiser, and how many steps were taken."""
        return {"inner": [inner.state_dict() for inner in self.inner], "steps": self.steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Undo `state_dict`."""
        saved = zip(self.parameters, self.inner, state_dict["inner"], strict=True)
        for parameter, inner, state in saved:
            # An optimiser gives its state the precision that its weights have at this moment.
            with widened(parameter):
                inner.load_state_dict(state)
        self.steps = state_dict["steps"]
        self._share_groups()


@contextmanager
def widened(parameter: nn.Parameter) -> Iterator[Tensor | None]:
    """Make a bfloat16 parameter and its gradient float32 meanwhile; the weights in their own
    precision are handed out, to be written. None: the parameter is float32 already."""
    if parameter.dtype == torch.float32:
        yield None
        return
    kept, gradient = parameter.data, parameter.grad
    parameter.grad = None
    parameter.data = kept.float()
    if gradient is not None:
        parameter.grad = gradient.float()
    try:
        yield kept
    finally:
        parameter.grad = None
        parameter.data = kept
        parameter.grad = gradient
