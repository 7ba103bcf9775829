"""Rows of a batch in mid-text: cached keys and values to select, align, join and extend.

Columns may be padding anywhere: `mask` says which are real, and positions are counted over the real
ones. Keys and values of a layer have shape (B, heads, T, d). A model with a sliding window counts
columns, so its rows are aligned before they are extended: then no padding lies within a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

SPARE = 32
"""Columns allocated beyond the present width: a new token is then written in place, without a copy
of all columns."""


class SpareLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, with room to grow."""

    def __init__(self, keys: Tensor | None = None, values: Tensor | None = None) -> None:
        super().__init__()
        self.storage: tuple[Tensor, Tensor] | None = None
        if keys is not None and values is not None:
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

    def update(
        self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """Append columns, (B, heads, S, d) each; return all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        used, new = self.get_seq_length(), key_states.shape[-2]
        if self.storage is None or self.storage[0].shape[-2] < used + new:
            room = partial(self._room, used=used)
            self.storage = room(key_states, self.keys), room(value_states, self.values)
        for buffer, states in zip(self.storage, (key_states, value_states), strict=True):
            buffer[:, :, used : used + new] = states
        self.keys, self.values = (buffer[:, :, : used + new] for buffer in self.storage)
        return self.keys, self.values

    @staticmethod
    def _room(like: Tensor, old: Tensor, used: int) -> Tensor:
        rows, heads, new, size = like.shape
        buffer = like.new_empty(rows, heads, used + new + SPARE, size)
        if used:
            buffer[:, :, :used] = old
        return buffer


class Rows:
    """B texts, each cut somewhere."""

    def __init__(self, mask: Tensor, layers: Iterable[tuple[Tensor, Tensor]] = ()) -> None:
        self.mask = mask
        """(B, T), 1 on real columns."""
        filled = [SpareLayer(keys, values) for keys, values in layers]
        self.cache = Cache(layers=filled) if filled else Cache(layer_class_to_replicate=SpareLayer)

    @classmethod
    def empty(cls, rows: int, device: torch.device | str) -> Rows:
        """Rows without a token yet."""
        return cls(torch.zeros(rows, 0, dtype=torch.long, device=device))

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def width(self) -> int:
        """Columns, padding included."""
        return self.mask.shape[1]

    @property
    def lengths(self) -> Tensor:
        """(B,), real columns: the position of the next token."""
        return self.mask.sum(1)

    def extend(self, decoder: Any, ids: Tensor, mask: Tensor) -> Tensor:
        """Run the decoder over more tokens, in place; return their hidden states.

        Shapes: (B, S), (B, S) -> (B, S, d).
        """
        steps = torch.arange(ids.shape[1], device=ids.device)
        # 0 on padding, which lies inside any model's table of positions.
        positions = (self.lengths[:, None] + steps) * mask
        self.mask = torch.cat([self.mask, mask], dim=1)
        output = decoder(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def select(self, index: Tensor, kept: Tensor | int = 1) -> Rows:
        """Copy some rows, in the order of `index`, which may repeat; `kept`: 0 on columns that
        become padding, (R, T).

        Columns at both ends that are padding in all of them are cut off.
        """
        mask = self.mask[index] * kept
        used = mask.any(0).nonzero()
        start, end = 0, 0
        if len(used):
            start, end = int(used[0]), int(used[-1]) + 1
        return Rows(mask[:, start:end], self._mapped(lambda x: x[index, :, start:end]))

    def aligned(self) -> Rows:
        """The same rows with their real columns moved to the right end, as decoding wants them."""
        width = int(self.lengths.max())
        order = self.mask.argsort(dim=1, stable=True)  # padding (0) sorts first
        order = order[:, -width:]
        gather = order[:, None, :, None]

        def moved(x: Tensor) -> Tensor:
            return x.gather(2, gather.expand(-1, x.shape[1], -1, x.shape[3]))

        return Rows(self.mask.gather(1, order), self._mapped(moved))

    def joined(self, other: Rows) -> Rows:
        """These rows above the other's, padded on the left to one width."""
        width = max(self.width, other.width)
        left, right = self._padded(width), other._padded(width)
        layers: list[tuple[Tensor, Tensor]] = []
        for above, below in zip(left.cache.layers, right.cache.layers, strict=True):
            keys = torch.cat([above.keys, below.keys])
            values = torch.cat([above.values, below.values])
            layers.append((keys, values))
        return Rows(torch.cat([left.mask, right.mask]), layers)

    def _padded(self, width: int) -> Rows:
        missing = width - self.width
        if missing == 0:
            return self
        layers = self._mapped(lambda x: F.pad(x, (0, 0, missing, 0)))
        return Rows(F.pad(self.mask, (missing, 0)), layers)

    def _mapped(self, function: Callable[[Tensor], Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Apply a function to the keys and to the values of every layer."""
        return [(function(layer.keys), function(layer.values)) for layer in self.cache.layers]
