"""What a layer inside the decoder gives, for methods that look there.

layer_output(model, layer, texts)       # (N, d)
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from suite.model.logprobs import decoder_of

if TYPE_CHECKING:
    from suite.model.batch import TextBatch


class _ReachedError(Exception):
    """The layers above are not needed."""


def layer_output(model: Any, layer: nn.Module, texts: TextBatch) -> Tensor:
    """Output of a layer of the decoder where completion tokens are predicted, (N, d)."""
    decoder = decoder_of(model)
    inputs = texts.inputs_for(model)  # before the hook: it may try the model
    outputs: list[Any] = []

    def keep(module: Any, args: Any, output: Any) -> None:
        outputs.append(output)
        # A model in shards must come to its end: other processes count on it.
        if not isinstance(decoder, FSDPModule):
            raise _ReachedError

    handle = layer.register_forward_hook(keep)
    try:
        with suppress(_ReachedError):
            decoder(**inputs)
    finally:
        handle.remove()
    (output,) = outputs
    hidden: Tensor = output[0] if isinstance(output, tuple) else output
    return hidden.flatten(0, 1)[texts.positions]
