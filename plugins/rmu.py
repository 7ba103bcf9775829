"""RMU: steer one layer's activations to a random direction on forget, keep them on retain.

    L = forget_weight * E ||h(forget) - steering u||^2 / d
        + retain_weight * E ||h(retain) - h_0(retain)||^2 / d

WMDP, arXiv 2403.03218. h: output of decoder layer `layer`, (N, d), where completion tokens are
predicted; h_0: the starting model's; u: a unit vector of uniform [0, 1)^d, drawn once per run from
its seed. Only the down projections (`down_proj`) of this layer and the two before it are trained.
Both terms are token means; the paper's corpora have no prompts, so there every token counts. Layer
and steering must suit the model: the paper uses layer 7, 6.5 and a retain weight of 1200 for
Zephyr-7B.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite import Batch, LossOutput, Method, Policy, TrainState, UserError, hookimpl, losses
from suite.ranges import Index, NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor, nn

TRAINED = "down_proj"
LAYER = 7
"""The paper's, of 32."""
DEPTH = 3
"""Layers whose projections are trained: `layer` and the ones before it."""


@dataclass(frozen=True)
class RMUConfig:
    """The layer, the target on forget, and the weights of the two terms."""

    layer: Index | None = None
    """Decoder layer whose output is steered, from 0; none: the paper's 7, or the last of a
    smaller model."""
    steering: Positive = 2.0
    """The paper's c: length of the target activation."""
    forget_weight: NonNegative = 1.0
    """Weight of the forget term."""
    retain_weight: NonNegative = 1.0
    """Weight of the retain term, the paper's alpha."""


class RMU(Method[RMUConfig]):
    """Representation misdirection for unlearning."""

    name = "rmu"
    family = "unlearning"
    roles = frozenset({"forget", "retain"})
    Config = RMUConfig

    def check_layers(self, layers: int) -> None:
        """Refuse a layer that the model lacks."""
        if self.config.layer is not None and self.config.layer >= layers:
            raise UserError(
                f"rmu.layer is {self.config.layer}, but the model has {layers} layers "
                f"(0 to {layers - 1})"
            )

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Draw the direction, keep the few weights that will change, freeze all others."""
        from suite.toolkit import decoder_of, head_of

        decoder = decoder_of(state.policy.model)
        layers = self._steered(decoder)
        chosen: set[int] = set()  # by identity: tensors have no order and no equality of their own
        for layer in layers:
            for name, parameter in layer.named_parameters():
                if TRAINED in name and parameter.requires_grad:
                    chosen.add(id(parameter))
        if not chosen:
            raise UserError(f"rmu trains {TRAINED} weights, and {type(decoder).__name__} has none")
        for parameter in state.parameters:
            parameter.requires_grad_(id(parameter) in chosen)
        self.layer: nn.Module = layers[-1]
        self.start: list[tuple[nn.Parameter, Tensor]] = []
        for parameter in state.parameters:
            if parameter.requires_grad:
                self.start.append((parameter, parameter.detach().clone()))
        weight = head_of(state.policy.model).weight  # (V, d)
        target = losses.rmu_control(weight.shape[1], scale=self.config.steering)
        self.target: Tensor = target.to(weight.device)

    def _steered(self, decoder: Any) -> Any:
        """The layer whose output is steered, last, after those that are trained with it."""
        from torch import nn

        layers = next(module for module in decoder.modules() if isinstance(module, nn.ModuleList))
        self.check_layers(len(layers))
        last = min(LAYER, len(layers) - 1) if self.config.layer is None else self.config.layer
        return layers[max(0, last - DEPTH + 1) : last + 1]

    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """Token means of both terms."""
        import torch

        from suite.toolkit import layer_output

        texts: Any = batch
        forget, retain = texts["forget"], texts["retain"]
        model = policy.model
        with torch.no_grad(), _replaced(self.start):
            start = layer_output(model, self.layer, retain)
        on_forget = layer_output(model, self.layer, forget)
        on_retain = layer_output(model, self.layer, retain)
        forget_loss = forget.token_mean(losses.rmu(on_forget, self.target))
        retain_loss = retain.token_mean(losses.rmu(on_retain, start))
        return LossOutput(
            self.config.forget_weight * forget_loss + self.config.retain_weight * retain_loss,
            {"forget_loss": forget_loss.detach(), "retain_loss": retain_loss.detach()},
        )


@contextmanager
def _replaced(weights: Sequence[tuple[nn.Parameter, Tensor]]) -> Iterator[None]:
    """Other weights for a while. They are written in place, where a model in shards reads them."""
    kept = [parameter.detach().clone() for parameter, _ in weights]
    for parameter, other in weights:
        parameter.data.copy_(other)
    try:
        yield
    finally:
        for (parameter, _), own in zip(weights, kept, strict=True):
            parameter.data.copy_(own)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [RMU]
