"""What a model does to its logits after the vocabulary projection: Gemma 2 caps them, Granite
divides them, Cohere multiplies them.

The model's own forward says how. It is called with its decoder and its projection replaced by
layers that hand on what they are given, so it does to our logits what it does to its own:

    finish = finish_of(model)
    finish(projection(hidden))     # the model's own logits, only where they are needed

A model that does nothing to them is found out by one trial, and then costs nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import BaseModelOutputWithPast

Finish = Callable[[Tensor], Tensor]
_FOUND: WeakKeyDictionary[Any, Finish] = WeakKeyDictionary()


def finish_of(model: Any) -> Finish:
    """The function (N, V) -> (N, V) from projected logits to the model's own; tried once a
    model."""
    if model not in _FOUND:
        _FOUND[model] = _found(model)
    return _FOUND[model]


def _found(model: Any) -> Finish:
    try:
        shell = _shell(model)
        width = int(model.get_output_embeddings().weight.shape[0])
        # Up to 100 nats: small logits would not show a cap.
        trial = torch.linspace(-100, 100, width, device=next(model.parameters()).device)[None]
        with torch.no_grad():
            unchanged = torch.equal(_through(shell, trial), trial)
    except (TypeError, AttributeError, RuntimeError, ValueError, KeyError, StopIteration):
        return _as_it_is  # a forward unlike the usual ones: `check_projection` compares its numbers
    return _as_it_is if unchanged else lambda logits: _through(shell, logits)


def _as_it_is(logits: Tensor) -> Tensor:
    return logits


def _through(shell: Any, logits: Tensor) -> Tensor:
    with torch.autocast(logits.device.type, enabled=False):
        finished: Tensor = shell(inputs_embeds=logits[None], use_cache=False).logits
    return finished[0]


def _shell(model: Any) -> Any:
    """The model with two of its parts replaced; it shares the rest, and is changed in nothing."""
    shell = copy.copy(model)
    shell._modules = dict(model._modules)
    head = model.get_output_embeddings()
    (name,) = (name for name, part in model._modules.items() if part is head)
    shell._modules[name] = nn.Identity()
    shell._modules[model.base_model_prefix] = _HandedOn()
    return shell


class _HandedOn(nn.Module):
    """In the decoder's place: its inputs are its last hidden states."""

    def forward(self, inputs_embeds: Tensor, **_: Any) -> BaseModelOutputWithPast:
        return BaseModelOutputWithPast(last_hidden_state=inputs_embeds)
