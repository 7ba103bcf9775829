"""A plain text cut into windows: each token but the first few is learnt once and scored once.

    prefix 2, window 3:   a b c d e f g h
                          a b|c d e            the first window follows the first two tokens
                              d e|f g h        the next one follows the two tokens before it

A window is a completion, the tokens before it are its prompt. Windows are of nearly equal length.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from suite import Message, Tokens, UserError


@dataclass(frozen=True)
class Piece:
    """What is learnt or asked at once: a completion, and the prompt that it follows."""

    prompt: tuple[Message, ...]
    completion: str


@dataclass(frozen=True)
class Windows:
    """How plain texts are cut."""

    prefix: int
    """Tokens before a window that it follows; of a short text at most half."""
    window: int
    """Most tokens of a window."""
    continues: bool
    """Whether a completion goes on right where its prompt ends, its first space included."""

    def cut(self, text: str, tokens: Tokens, place: str) -> tuple[Piece, ...]:
        """The windows of a text. UserError, naming `place`: fewer than two tokens."""
        ends = [0, *tokens.ends(text)]
        length = len(ends) - 1
        if length < 2:
            raise UserError(f"{place}: a text of {length} tokens: nothing follows its beginning")
        first = min(self.prefix, length // 2)
        pieces: list[Piece] = []
        for start, end in spans(first, length, self.window):
            before = text[ends[max(0, start - self.prefix)] : ends[start]]
            window = text[ends[start] : ends[end]]
            if not self.continues:
                before, window = before.strip(), window.strip()
            if window.strip():
                pieces.append(Piece((Message("user", before),), window))
        if not pieces:
            raise UserError(f"{place}: nothing but spaces follows the beginning of this text")
        return tuple(pieces)


def spans(first: int, length: int, window: int) -> list[tuple[int, int]]:
    """(start, end) of the fewest windows of at most `window` tokens, as equally long as can be."""
    number = -(-(length - first) // window)
    cuts = [first + (length - first) * i // number for i in range(number + 1)]
    return list(pairwise(cuts))
