"""Prompts and completions as token ids, once and with a checked boundary.

    prompt      <user> Where was Hina Ameen born ? <assistant>      conditions, never scored
    completion  Hina Ameen was born in Karachi . <eos>              scored, end-of-sequence included

Which tokens are scored follows from the lengths of these two lists, never from comparing ids with
the pad token (where pad = eos that hides every turn delimiter).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from suite.api.data import Encoded, Message
from suite.core.errors import SettingWarning, UserError
from suite.model.chat import ChatTemplate
from suite.model.spelling import Ids, Spelling
from suite.model.weights import UNBOUNDED

REMEMBERED = 8192
"""Texts whose tokens an encoder remembers: every checkpoint of a run is asked the same."""


class Encoder:
    """A tokenizer together with the template that turns messages into text.

    `template`: "chat" for the tokenizer's own chat template, otherwise a text that holds
    `{prompt}`. `context`: what the model itself can read; `setting`: what sets `max_length`.
    """

    def __init__(
        self,
        tokenizer: Any,
        template: str = "chat",
        max_length: int = 512,
        context: int = UNBOUNDED,
        setting: str = "train.max_length",
    ) -> None:
        check_template(tokenizer, template)
        self.tokenizer = tokenizer
        self.template = template
        self.max_length = min(max_length, context)
        self.context = context
        self.setting = setting
        self.continues = continues(template)
        self.chat = ChatTemplate(tokenizer)
        self.spelling = Spelling(tokenizer)
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._encoded)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion: of a chat template, the one that ends a turn."""
        return int(self.tokenizer.convert_tokens_to_ids(self.end))

    @cached_property
    def end(self) -> str:
        """The text of that token."""
        return self.chat.end if self.template == "chat" else str(self.tokenizer.eos_token)

    def spells(self, text: str) -> bool:
        """Whether a message spells a control token within: it stays text."""
        return self.spelling.spells(text.removesuffix(self.end))

    def encode(self, prompt: Sequence[Message], completion: str, id: str = "") -> Encoded:
        """Tokenise prompt and completion; refuse a text that is longer than `max_length`."""
        return self._remembered(tuple(prompt), completion, id)

    def _encoded(self, prompt: tuple[Message, ...], completion: str, id: str) -> Encoded:
        prompt_text, full_text = self._hidden(prompt, completion, id)
        bare = self.spelling.ids(prompt_text)
        prompt_ids = self._begun(bare)
        completion_ids = self.spelling.following(bare, full_text, len(prompt_text))
        if not completion_ids or completion_ids[-1] != self.eos_id:
            completion_ids = (*completion_ids, self.eos_id)
        encoded = Encoded(id, prompt_ids, completion_ids)
        if len(encoded) > self.max_length:
            raise UserError(
                f"{id!r} has {len(encoded)} tokens, {self._limit}: its answer would be cut off"
            )
        return encoded

    @property
    def _limit(self) -> str:
        """Which limit a text exceeds, and what helps."""
        if self.max_length == self.context:
            return (
                f"more than the model's own context of {self.context} (drop the row or take "
                "another model)"
            )
        return f"more than the context of {self.max_length} (raise {self.setting} or drop the row)"

    def encode_prompt(self, prompt: Sequence[Message]) -> tuple[int, ...]:
        """Tokenise a prompt up to the point where the assistant's answer begins."""
        return self._begun(self.spelling.ids(self._prompt_text(self._kept(prompt))))

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion, special tokens left out; exact where it continues the prompt, else
        stripped."""
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
        return text if self.continues else text.strip()

    def render(self, prompt: Sequence[Message], completion: str) -> tuple[str, str]:
        """Text of the prompt, and of the prompt with the completion and what ends the assistant's
        turn."""
        head, full = self._hidden(prompt, completion, "")
        return self.spelling.shown(head), self.spelling.shown(full)

    def _hidden(self, prompt: Sequence[Message], completion: str, id: str) -> tuple[str, str]:
        """The same, with control tokens that the messages spell hidden from the tokenizer."""
        messages = self._kept(prompt)
        # An answer that brings its end along has one end, not two.
        completion = self.spelling.hidden(completion.removesuffix(self.end))
        try:
            head = self._prompt_text(messages)
        except UserError as error:
            raise UserError(f"{id!r}: {error}") from None
        if self.template == "chat":
            return head, self.chat.full(messages, completion, id)
        space = "" if self.continues or head[-1:].isspace() or completion[:1].isspace() else " "
        return head, head + space + completion + self.end

    def _kept(self, prompt: Sequence[Message]) -> tuple[Message, ...]:
        return tuple(Message(m.role, self.spelling.hidden(m.content)) for m in prompt)

    def _prompt_text(self, messages: tuple[Message, ...]) -> str:
        if self.template == "chat":
            return self.chat.prompt(messages)
        return self.template.replace("{prompt}", "\n".join(m.content for m in messages))

    def _begun(self, ids: Ids) -> Ids:
        """With what the tokenizer puts before every text (BOS), unless a template wrote it."""
        first = self.spelling.prefix
        if self.template == "chat" or ids[: len(first)] == first:
            return ids
        return (*first, *ids)


def unknown_ids(tokenizer: Any, size: int) -> tuple[int, ...]:
    """Ids below `size`, the rows of an output embedding, that are no tokens: no model means them.

    Vocabularies are padded to a round number, and some have holes.
    """
    known = set(tokenizer.get_vocab().values())
    return tuple(id for id in range(size) if id not in known)


def continues(template: str) -> bool:
    """Whether a completion goes on right where the prompt ends, so that the space between them is
    its own."""
    return template.endswith("{prompt}")


def check_template(tokenizer: Any, template: str) -> None:
    """Refuse, before any model loads, a tokenizer that cannot do what the run needs."""
    name = getattr(tokenizer, "name_or_path", "the tokenizer") or "the tokenizer"
    if tokenizer.eos_token is None:
        raise UserError(f"{name} has no end-of-sequence token")
    if tokenizer.pad_token is None:
        raise UserError(
            f"{name} has no pad token; name one with --pad-token (a token that no text contains)"
        )
    if template == "chat" and not tokenizer.chat_template:
        raise UserError(
            f"{name} has no chat template; give one: --template 'Question: {{prompt}}\\nAnswer:'"
        )
    if template != "chat" and "{prompt}" not in template:
        raise UserError(f"--template {template!r} must be 'chat' or hold {{prompt}}")
    if template.endswith(" "):
        warnings.warn(
            f"--template {template!r} ends in a space, which tokenizers put at the beginning of "
            "the next word: the answer's first token is then an unlikely one; leave it out",
            SettingWarning,
            stacklevel=2,
        )
