"""What must hold of an architecture before its cached computation is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from suite.api.data import Encoded
from suite.api.requests import Request, ScoreText
from suite.core.errors import UserError
from suite.engines.hf.rows import Rows
from suite.model.layout import declared_window
from suite.model.logprobs import decoder_of

if TYPE_CHECKING:
    from suite.model.encoding import Encoder

TOLERANCE = 1e-3
"""Largest difference of a hidden state, as a share of its largest value. Rounding alone reaches
2e-4 in a fine-tuned SmolLM2 on its control tokens, whose values are in the tens."""
LOOKED_AT = 16
"""Requests from which two texts are taken."""
SHORT, TAIL = 6, 3
"""Tokens of a made text (beyond the window, if there is one), and how many are read afterwards."""


@torch.inference_mode()
def check_cache(model: Any, longest: int) -> None:
    """Refuse a model whose hidden states change when a text is read in two parts, behind padding.

    Recurrent layers, and relative positions that count padding, give other numbers. UserError.
    `longest`: most tokens that a text of this run may have; a window beyond it never matters.
    """
    decoder = decoder_of(model)
    heads, tail = _probes(model, longest)
    texts = [torch.cat([head, tail])[None] for head in heads]
    whole = [decoder(input_ids=ids, use_cache=False).last_hidden_state[0, -1] for ids in texts]
    try:
        near = TOLERANCE * max(float(state.nan_to_num().abs().max()) for state in whole)
        # equal_nan: a model that has diverged gives NaN only, which is no fault of the cache.
        same = torch.allclose(
            torch.stack(whole), _in_two_parts(decoder, heads, tail), 0, near, equal_nan=True
        )
    except (TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise UserError(
            f"{type(model).__name__} does not work with engine hf's cache ({error})"
        ) from error
    if not same:
        raise UserError(
            f"{type(model).__name__} gives other numbers with a cache; it is not supported yet"
        )


def _probes(model: Any, longest: int) -> tuple[list[Tensor], Tensor]:
    """Beginnings of two texts, one beyond the window, and how both go on."""
    device, window = next(model.parameters()).device, declared_window(model.config)
    length = SHORT + (window if window < longest else 0)
    words = model.get_input_embeddings().num_embeddings
    ids = 1 + torch.arange(length, device=device) % (words - 1)
    return [ids[:-TAIL], ids[:1]], ids[-TAIL:]


def _in_two_parts(decoder: Any, heads: list[Tensor], tail: Tensor) -> Tensor:
    """The last hidden state of each text, (2, d), the beginnings read together."""
    ids = pad_sequence(heads, batch_first=True)
    mask = pad_sequence([torch.ones_like(head) for head in heads], batch_first=True)
    rows = Rows.empty(len(heads), tail.device)
    rows.extend(decoder, ids, mask)
    tails = tail.repeat(len(heads), 1)
    return rows.aligned().extend(decoder, tails, torch.ones_like(tails))[:, -1]


def texts_of(requests: Sequence[Request], encoder: Encoder) -> list[Encoded]:
    """Some texts of the data; of a prompt that is only gone on from, its second half is scored."""
    texts: list[Encoded] = []
    for request in requests[:LOOKED_AT]:
        if isinstance(request, ScoreText):
            text = encoder.encode(request.prompt, request.completion, request.id)
        else:
            ids = encoder.encode_prompt(request.prompt)
            half = len(ids) // 2
            text = Encoded(request.id, ids[:half], ids[half:])
        if text.prompt_ids and len(text) <= encoder.max_length:
            texts.append(text)
    return texts
