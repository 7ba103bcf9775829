"""Training in bf16 whose forward pass sees every update: stochastic rounding of the weights.

    rounding = StochasticRounding(modules, optimizer, seed, autocast)
    with rounding.step(12):
        with rounding.forward(): ...      the weights are bf16 numbers here, rounded by chance
        optimizer.step()                  works on the fp32 weights; the next forward rounds anew

The weights of linear layers (all that autocast casts) are replaced by rounded ones from the first
forward pass to the step of the optimiser, backward included. Outside of a step the model holds its
fp32 weights. Chance is a function of (seed, step, pass), so a resumed run repeats it to the bit. It
costs one more copy of these weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from suite.api.placement import Placement
from suite.model.rounding import chance_for, up_or_down

PASSES_PER_STEP = 1 << 10
STEPS_PER_SEED = 1 << 32


class StochasticRounding:
    """Rounds a model's linear weights for the forward passes of a step."""

    def __init__(
        self,
        modules: Iterable[nn.Module],
        optimizer: Optimizer,
        seed: int,
        autocast: Callable[[], AbstractContextManager[Any]],
        placement: Placement | None = None,
    ) -> None:
        self._weights = _trained_in_linear_layers(modules)
        self._seed = seed
        self._autocast = autocast
        self._placement = placement or Placement()
        self._masters: list[Tensor] = []
        self._step = 0
        self._passes = 0
        self._within = False
        optimizer.register_step_pre_hook(lambda *_: self.restore())

    @contextmanager
    def step(self, number: int) -> Iterator[None]:
        """One training step; the fp32 weights are back at its end."""
        self._step, self._passes, self._within = number, 0, True
        try:
            yield
        finally:
            self._within = False
            self.restore()

    @contextmanager
    def forward(self) -> Iterator[None]:
        """A forward pass. Passes between two steps of the optimiser share their weights.

        Outside of a training step (a method looks at its start, or at what it delivers) the weights
        stay, and autocast rounds them to the nearest.
        """
        if self._within and not self._masters:
            self._round()
        with self._autocast():
            yield

    def restore(self) -> None:
        """Put the fp32 weights back."""
        self._placement.settle()
        for weight, master in zip(self._weights, self._masters, strict=False):
            self._placement.exchange(weight, master)
        self._masters = []

    def _round(self) -> None:
        generators: dict[torch.device, torch.Generator] = {}
        place = (self._seed * STEPS_PER_SEED + self._step) * PASSES_PER_STEP + self._passes
        self._passes += 1
        self._placement.settle()
        for weight in self._weights:
            generator = generators.get(weight.device)
            if generator is None:
                generator = torch.Generator(weight.device).manual_seed(place % (1 << 63))
                generators[weight.device] = generator
            chance = self._placement.part(chance_for(weight, generator))
            rounded = up_or_down(self._placement.held(weight.data), chance)
            self._masters.append(self._placement.exchange(weight, rounded))


def _trained_in_linear_layers(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Trained float32 parameters of linear layers, each once."""
    found: dict[int, nn.Parameter] = {}
    for module in modules:
        for part in module.modules():
            if isinstance(part, nn.Linear):
                for parameter in part.parameters(recurse=False):
                    if parameter.requires_grad and parameter.dtype == torch.float32:
                        found[id(parameter)] = parameter
    return list(found.values())
