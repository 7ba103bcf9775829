"""A chat template in use: where the prompt ends, what the answer is, and what ends the turn.

    <user> Where was she born ? <assistant> <think> </think>  prompt: all before the answer's words
    In Karachi . <turn_end>                                     answer: up to the token that ends it

Both are found with an answer that is tried out, since templates differ: some write a block of
thoughts before the answer (it belongs to the prompt), some end a turn in another token than the
end-of-sequence token, some write a newline after it (nobody learns that).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from suite.api.data import Message
from suite.core.errors import UserError
from suite.model.limits import StoppedError, limited

DATE = "2024-07-26"
"""The day that a template reads, whatever the day: Llama 3's own where it knows none."""
DATE_KEY = "chat_date"
"""Where tokenizer_config.json keeps the day that a run has set."""
ASKS_DATE = re.compile(r"\b(strftime_now|date_string)\b")
TRIAL = "Aeiou"
"""The answer that is tried out."""
OPENED = re.compile(r"<think>\s*$")
CLOSED = "\n</think>\n\n"
"""Closes a block of thoughts that a template opens: answers of the data have none."""


class ChatTemplate:
    """The chat template of one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.prompt = lru_cache(maxsize=4096)(self._prompt)
        """Text of a prompt, up to where the answer's own words begin."""

    @cached_property
    def date(self) -> datetime:
        """The day that the template reads."""
        return datetime.fromisoformat(self.tokenizer.init_kwargs.get(DATE_KEY, DATE))

    @property
    def asks_date(self) -> bool:
        """Whether the template reads the day."""
        return bool(ASKS_DATE.search(str(self.tokenizer.chat_template)))

    @cached_property
    def end(self) -> str:
        """The token that ends the assistant's turn: the first that the template writes there, or
        the end-of-sequence token."""
        eos = str(self.tokenizer.eos_token)
        messages = [Message("user", "Who?"), Message("assistant", TRIAL)]
        tail = self._rendered(messages).rpartition(TRIAL)[2]
        found = [token for token in control_tokens(self.tokenizer) if token in tail]
        if not found:
            return eos
        return min(found, key=lambda token: (tail.index(token), -len(token)))

    def full(self, messages: Sequence[Message], completion: str, id: str) -> str:
        """Text of the prompt, the answer and what ends its turn. UserError: no place for it."""
        prompt = self.prompt(tuple(messages))
        text = self._rendered([*messages, Message("assistant", completion)])
        if not text.startswith(prompt):
            # A block of thoughts that the template opens for generation alone.
            before = OPENED.sub("", prompt.removesuffix(CLOSED))
            if completion.lstrip().startswith("<think>"):
                raise UserError(
                    f"the answer of {id!r} has thoughts of its own (<think>), but with this chat "
                    "template prompts hold an empty block of them; leave them out"
                )
            if not prompt.endswith(CLOSED) or not text.startswith(before):
                raise UserError(
                    f"the chat template changes the prompt of {id!r} when an answer follows it"
                )
            text = prompt + text[len(before) :]
        cut = text.rfind(self.end)
        return text[: cut + len(self.end)] if cut >= len(prompt) else text

    def _prompt(self, messages: tuple[Message, ...]) -> str:
        head = self._rendered(messages, add_generation_prompt=True)
        if OPENED.search(head):
            return head + CLOSED
        tried = self._rendered([*messages, Message("assistant", TRIAL)])
        before = tried.rpartition(TRIAL)[0]
        # A space there (Llama 2's) is the answer's own: in generation, the model writes it.
        return before if before.startswith(head) and before[len(head) :].strip() else head

    def _rendered(self, messages: Sequence[Message], **options: Any) -> str:
        """Apply the template; turns of one role are joined where it wants them to alternate."""
        try:
            return self._apply(messages, **options)
        except UserError:
            joined = alternating(messages)
            if len(joined) == len(messages):
                raise
        return self._apply(joined, **options)

    def _apply(self, messages: Sequence[Message], **options: Any) -> str:
        from jinja2 import TemplateError

        turns = [{"role": m.role, "content": m.content} for m in messages]
        try:
            text = applied(
                self.tokenizer.apply_chat_template, self.date, turns, tokenize=False, **options
            )
        except (TemplateError, TypeError, ValueError, KeyError, ArithmeticError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"the chat template refuses these turns ({reason})") from None
        except (MemoryError, RecursionError) as error:
            name = type(error).__name__
            raise UserError(f"the chat template was stopped: {name}") from None
        return str(text)


def keep_date(folder: Path, date: str) -> None:
    """Write the day into a model folder's tokenizer settings; it goes along with every
    checkpoint."""
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(settings | {DATE_KEY: date}, indent=2) + "\n", encoding="utf-8")


def steady(tokenizer: Any) -> None:
    """Let other programs that apply a tokenizer's chat template read the run's day, and be stopped
    as this one is."""
    chat, own = ChatTemplate(tokenizer), tokenizer.apply_chat_template

    def apply(turns: Any, **options: Any) -> Any:
        return applied(own, chat.date, turns, **options)

    tokenizer.apply_chat_template = apply


def applied(own: Callable[..., Any], date: datetime, turns: Any, **options: Any) -> Any:
    """A tokenizer's `apply_chat_template` with the day that it reads, for some seconds at most."""
    day = {"strftime_now": date.strftime, "date_string": date.strftime("%d %b %Y")}
    try:
        with limited():
            return own(turns, **day, **options)
    except StoppedError:
        raise UserError("the chat template was stopped: it takes too long, or too much") from None


def alternating(messages: Sequence[Message]) -> list[Message]:
    """The turns with neighbours of one role joined by an empty line."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            message = Message(message.role, f"{joined.pop().content}\n\n{message.content}")
        joined.append(message)
    return joined


def control_tokens(tokenizer: Any) -> list[str]:
    """Spellings that the tokenizer turns into a control token, the longest first."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    found = {str(token) for token in added.values() if token.special}
    found |= set(tokenizer.all_special_tokens)
    return sorted(found, key=lambda token: (-len(token), token))
