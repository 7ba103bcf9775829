"""Text to token ids, where text stays text: who writes "<|end|>" gets its letters, not the token.

hidden("The mark <|end|> ends a turn.")      # the mark's place is taken by a private character
ids(hidden text)                             # letters there, tokens where the template put them
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from suite.model.chat import control_tokens

Ids = tuple[int, ...]
FIRST = 0xF0000
"""Where the private characters begin that stand for spelled tokens (a plane that no text uses)."""
ANCHOR = "\n"
"""Put before a text, so that a tokenizer does not take it for the beginning of one."""


class Spelling:
    """One tokenizer, and the control tokens that it knows."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.tokens = control_tokens(tokenizer)
        self._control = re.compile("|".join(map(re.escape, self.tokens)) or r"(?!)")
        last = chr(FIRST + max(0, len(self.tokens) - 1))
        self._private = re.compile(f"[{chr(FIRST)}-{last}]")

    @cached_property
    def prefix(self) -> Ids:
        """What the tokenizer puts before every text that it is given plainly: BOS, or nothing."""
        bare, whole = self._plain("a"), tuple(self.tokenizer("a", verbose=False)["input_ids"])
        at = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return whole[:at]

    def hidden(self, text: str) -> str:
        """The text with every spelled control token replaced by a private character."""
        return self._control.sub(lambda m: chr(FIRST + self.tokens.index(m.group())), text)

    def spells(self, text: str) -> bool:
        """Whether the text spells a control token."""
        return bool(self._control.search(text))

    def shown(self, text: str) -> str:
        """The text as it was before `hidden`."""
        return self._private.sub(lambda m: self.tokens[ord(m.group()) - FIRST], text)

    def ids(self, text: str) -> Ids:
        """Token ids of a text in which spelled tokens are hidden."""
        if not self._private.search(text):
            return self._plain(text)
        found: list[int] = []
        start = 0
        for match in [*self._control.finditer(text), None]:
            end = match.start() if match else len(text)
            if end > start:
                part = self.shown(text[start:end])
                found += self._letters(part) if start == 0 else self._letters_later(part)
            if match:
                found.append(int(self.tokenizer.convert_tokens_to_ids(match.group())))
                start = match.end()
        return tuple(found)

    def following(self, before: Ids, text: str, start: int) -> Ids:
        """Token ids of a text from `start` on, `before` being those of its beginning: the whole
        text's, where these begin so, since that is what the model sees when it generates."""
        whole, rest = self.ids(text), text[start:]
        if whole[: len(before)] == before:
            return whole[len(before) :]
        # The boundary lies within a token of the whole text. Then the rest stands alone, but not
        # as the beginning of a text: some tokenizers put a space there.
        return self._later(rest)

    def _later(self, text: str) -> Ids:
        anchor, anchored = self.ids(ANCHOR), self.ids(ANCHOR + text)
        if anchored[: len(anchor)] == anchor and self._adds_space:
            return anchored[len(anchor) :]
        return self.ids(text)

    def _letters_later(self, text: str) -> Ids:
        anchor, anchored = self._letters(ANCHOR), self._letters(ANCHOR + text)
        if anchored[: len(anchor)] == anchor and self._adds_space:
            return anchored[len(anchor) :]
        return self._letters(text)

    @cached_property
    def _adds_space(self) -> bool:
        """Whether a text begins in a space that it did not have (SentencePiece, as Llama 2)."""
        first = self.tokenizer.convert_ids_to_tokens(list(self._plain("a")[:1]))
        return bool(first) and str(first[0]).startswith("▁")

    def _plain(self, text: str) -> Ids:
        # verbose: `encode` refuses a text that is too long, in its own words; transformers would
        # warn before.
        return tuple(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _letters(self, text: str) -> Ids:
        ids = self._split(text)
        if self._controls.isdisjoint(ids):
            return ids
        # Unigram has control tokens among its pieces: each spelling is cut behind its first letter.
        joined: list[int] = []
        start = 0
        for match in self._control.finditer(text):
            joined += self._split(text[start : match.start() + 1])
            start = match.start() + 1
        return (*joined, *self._split(text[start:]))

    def _split(self, text: str) -> Ids:
        read = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, verbose=False
        )
        return tuple(read["input_ids"])

    @cached_property
    def _controls(self) -> frozenset[int]:
        unknown = self.tokenizer.unk_token_id
        ids = set(self.tokenizer.convert_tokens_to_ids(self.tokens))
        return frozenset(ids - {unknown})
