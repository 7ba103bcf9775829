"""How a model may read several texts at once: side by side in one sequence, or each in a row of its
own.

Side by side (`suite.model.packing`) a text sees what our mask lets it see. That mask replaces the
model's own, so it is wrong for what the model's own leaves out: tokens beyond a sliding window. And
some architectures take no such mask at all. So:

    no text longer than the window      side by side
    a longer one                        a row each, under the model's own mask
    an architecture that fails a trial  a row each, always
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from suite.api.data import Encoded
from suite.model.packing import Packed, pack

ANY_LENGTH = 2**30
"""The window of a model that has none."""
TOLERANCE = 1e-3
"""Largest difference of a hidden state in the trial, as a share of its largest value: rounding."""
_WINDOWS: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def plain_model(model: Any) -> Any:
    """The causal language model itself, without adapters around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def window_of(model: Any) -> int:
    """Longest text that may be read side by side with others; 0 where none may. Tried once a
    model."""
    plain = plain_model(model)
    if plain not in _WINDOWS:
        _WINDOWS[plain] = declared_window(plain.config) if _reads_packed(plain) else 0
    return _WINDOWS[plain]


def share_window(model: Any, copied: Any) -> None:
    """Let a copy read as its original does: the trial needs weights in float32."""
    _WINDOWS[plain_model(copied)] = window_of(model)


def declared_window(config: Any) -> int:
    """The attention window by the configuration; ANY_LENGTH where there is none."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    kinds = getattr(text, "layer_types", None) or ["sliding_attention", "chunked_attention"]
    found = [ANY_LENGTH]
    for kind, name in (
        ("sliding_attention", "sliding_window"),
        ("chunked_attention", "attention_chunk_size"),
    ):
        size = getattr(text, name, None)
        if size and kind in kinds:
            found.append(int(size))
    return min(found)


@torch.no_grad()
def _reads_packed(plain: Any) -> bool:
    """Whether two short texts side by side have the states that each has alone."""
    device = next(plain.parameters()).device
    decoder = getattr(plain, plain.base_model_prefix)
    words = plain.get_input_embeddings().num_embeddings
    texts = []
    for name, prompt, completion in (("a", (1, 2), (3, 4)), ("b", (1, 5), (2, 6, 3))):
        known = [tuple(id % words for id in ids) for ids in (prompt, completion)]
        texts.append(Encoded(name, *known))
    packed = pack(texts, 0).to(device)
    with torch.autocast(device.type, enabled=False):
        alone = [_states_alone(decoder, text, device) for text in texts]
        try:
            hidden = decoder(**inputs(packed)).last_hidden_state
        except (TypeError, AttributeError, RuntimeError, ValueError, IndexError):
            return False  # it takes no mask or no positions of ours
    ours, own = hidden.flatten(0, 1)[packed.positions], torch.cat(alone)
    near = TOLERANCE * float(own.nan_to_num().abs().max())
    # equal_nan: a model that has diverged gives NaN only, whatever it reads.
    return torch.allclose(ours, own, rtol=0, atol=near, equal_nan=True)


def _states_alone(decoder: Any, text: Encoded, device: torch.device) -> Tensor:
    ids = torch.tensor([text.prompt_ids + text.completion_ids], device=device)
    states: Tensor = decoder(input_ids=ids, use_cache=False).last_hidden_state[0]
    return states[len(text.prompt_ids) - 1 : -1]


def inputs(packed: Packed) -> dict[str, Any]:
    """What a decoder is called with."""
    return {
        "input_ids": packed.input_ids,
        "position_ids": packed.position_ids,
        "attention_mask": packed.attention_mask,
        "use_cache": False,
    }
