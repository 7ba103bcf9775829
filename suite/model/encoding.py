"""Prompts and completions as token ids, once and with a checked boundary.

    prompt      <user> Where was Hina Ameen born ? <assistant>      conditions, never scored
    completion  Hina Ameen was born in Karachi . <eos>              scored, end-of-sequence included

Which tokens are scored follows from the lengths of these two lists, never from comparing ids with
the pad token (where pad = eos that hides every turn delimiter).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suite.api.data import Encoded, Message
from suite.core.errors import UserError


class Encoder:
    """A tokenizer together with the template that turns messages into text.

    `template`: "chat" for the tokenizer's own chat template, otherwise a text that holds
    `{prompt}`.
    """

    def __init__(self, tokenizer: Any, template: str = "chat", max_length: int = 512) -> None:
        check_template(tokenizer, template)
        self.tokenizer = tokenizer
        self.template = template
        self.max_length = max_length
        self.continues = continues(template)

    @property
    def eos_id(self) -> int:
        """The token that ends a completion."""
        return int(self.tokenizer.eos_token_id)

    def encode(self, prompt: Sequence[Message], completion: str, id: str = "") -> Encoded:
        """Tokenise prompt and completion; refuse a text that is longer than `max_length`."""
        prompt_text, full_text = self.render(prompt, completion)
        prompt_ids = self._ids(prompt_text)
        if not full_text.startswith(prompt_text):
            raise UserError(
                f"the chat template changes the prompt of {id!r} when an answer follows it"
            )
        # The two parts are tokenised apart: their boundary is then exact, and equal to what
        # generation sees.
        completion_ids = self._ids(full_text[len(prompt_text) :])
        if not completion_ids or completion_ids[-1] != self.eos_id:
            completion_ids = (*completion_ids, self.eos_id)
        encoded = Encoded(id, prompt_ids, completion_ids)
        if len(encoded) > self.max_length:
            raise UserError(
                f"{id!r} has {len(encoded)} tokens, more than the context of {self.max_length}: its answer would be "
                "cut off (raise train.max_length or drop the row)"
            )
        return encoded

    def encode_prompt(self, prompt: Sequence[Message]) -> tuple[int, ...]:
        """Tokenise a prompt up to the point where the assistant's answer begins."""
        return self._ids(self.render(prompt, "")[0])

    def decode(self, ids: Sequence[int]) -> str:
        """Text of a completion, special tokens left out; exact where it continues the prompt, else
        stripped."""
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
        return text if self.continues else text.strip()

    def render(self, prompt: Sequence[Message], completion: str) -> tuple[str, str]:
        """Text of the prompt, and of the prompt with the completion and what ends the assistant's
        turn."""
        if self.template != "chat":
            text = self.template.replace("{prompt}", "\n".join(m.content for m in prompt))
            return text, text + completion + self.tokenizer.eos_token
        messages = [{"role": m.role, "content": m.content} for m in prompt]
        head = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        answer = [{"role": "assistant", "content": completion}]
        full = self.tokenizer.apply_chat_template(messages + answer, tokenize=False)
        return str(head), _up_to_eos(str(full), len(str(head)), str(self.tokenizer.eos_token))

    def _ids(self, text: str) -> tuple[int, ...]:
        # verbose: `encode` refuses a text that is too long, in its own words; transformers would
        # warn before.
        return tuple(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def continues(template: str) -> bool:
    """Whether a completion goes on right where the prompt ends, so that the space between them is
    its own."""
    return template.endswith("{prompt}")


def _up_to_eos(text: str, start: int, eos: str) -> str:
    """Drop what some templates write after the turn's end-of-sequence token (a newline)."""
    end = text.rfind(eos)
    return text[: end + len(eos)] if end >= start else text


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
            f"{name} has no chat template; give one: --template 'Question: {{prompt}}\\nAnswer: '"
        )
    if template != "chat" and "{prompt}" not in template:
        raise UserError(f"--template {template!r} must be 'chat' or hold {{prompt}}")
