"""Training rows and pairs as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.api.data import Encoded, Pair
from suite.model.encoding import Encoder

if TYPE_CHECKING:
    from suite.api.data import Given


def encode_rows(rows: Given, encoder: Encoder) -> list[Any]:
    """Tokenise training rows (`Encoded`) or pairs (`EncodedPair`)."""
    from suite.api.data import EncodedPair

    return [
        EncodedPair(
            row.id,
            encoder.encode(row.prompt, row.chosen, f"{row.id} (chosen)"),
            encoder.encode(row.prompt, row.rejected, f"{row.id} (rejected)"),
        )
        if isinstance(row, Pair)
        else encoder.encode(row.prompt, row.completion, row.id)
        for row in rows
    ]


def texts_of(items: Sequence[Any]) -> list[Encoded]:
    """The texts of rows, or of both halves of pairs."""
    return [
        text for i in items for text in ((i,) if isinstance(i, Encoded) else (i.chosen, i.rejected))
    ]
