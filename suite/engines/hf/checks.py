"""What must hold of an architecture before its cached computation is trusted."""

from __future__ import annotations

from typing import Any

import torch

from suite.core.errors import UserError
from suite.engines.hf.rows import Rows
from suite.model.logprobs import decoder_of

TOLERANCE = 1e-3
"""Largest difference of a hidden state, as a share of its largest value. Rounding alone reaches
2e-4 in a fine-tuned SmolLM2 on its control tokens, whose values are in the tens."""


@torch.inference_mode()
def check_cache(model: Any) -> None:
    """Refuse a model whose hidden states change when a text is read in two parts, behind padding.

    Recurrent layers, and relative positions that count padding, give other numbers. UserError.
    """
    device, decoder = next(model.parameters()).device, decoder_of(model)
    ids = torch.arange(1, 7, device=device)[None]
    whole = decoder(input_ids=ids, use_cache=False).last_hidden_state[0, -1]
    try:
        rows = Rows.empty(1, device)
        padded = torch.tensor([[1, 2, 3, 0, 0]], device=device)
        rows.extend(decoder, padded, (padded > 0).long())
        parts = rows.aligned().extend(decoder, ids[:, 3:], torch.ones_like(ids[:, 3:]))[0, -1]
        near = TOLERANCE * float(whole.nan_to_num().abs().max())
        # equal_nan: a model that has diverged gives NaN only, which is no fault of the cache.
        same = torch.allclose(whole, parts, rtol=0, atol=near, equal_nan=True)
    except (TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{type(model).__name__} does not work with engine hf's cache ({error})"
        ) from error
    if not same:
        raise UserError(
            f"{type(model).__name__} gives other numbers with a cache; it is not supported yet"
        )
