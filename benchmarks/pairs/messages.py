"""Messages as data sets have them -> `Message`.

    {"role": "user", "content": "Hi."}             chat templates, TRL
    {"from": "human", "value": "Hi."}              ShareGPT
    {"role": "user", "content": [{"type": "text", "text": "Hi."}]}

Whatever else stands in a message is refused if it matters (an image, a tool's answer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suite import Message, UserError

ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "model": "assistant",
}
"""Name of a role in a file, in small letters -> the role."""

Turns = tuple[Message, ...]


def messages(value: Any, place: str) -> Turns:
    """Read one message or a list of them; a text is one of the user. UserError names `place`."""
    if isinstance(value, str):
        return (Message("user", value),)
    listed = value if isinstance(value, list) else [value]
    found: list[Message] = []
    for number, message in enumerate(listed, 1):
        found.append(_message(message, f"{place}, message {number}"))
    return tuple(found)


def _message(message: Mapping[str, Any], place: str) -> Message:
    for role, content in (("role", "content"), ("from", "value")):
        if role in message and content in message:
            name, text = message[role], message[content]
            return Message(_role(name, f"{place}, {role!r}"), _text(text, f"{place}, {content!r}"))
    there = ", ".join(message) or "nothing"
    raise UserError(f"{place}: needs role and content, or from and value; there is {there}")


def _role(name: Any, place: str) -> Any:
    if isinstance(name, str) and name.lower() in ROLES:
        return ROLES[name.lower()]
    raise UserError(f"{place}: no role {name!r}; known: {', '.join(ROLES)}")


def _text(content: Any, place: str) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, list):
        content = "".join(_part(part, place) for part in content)
    if not isinstance(content, str):
        raise UserError(f"{place}: must be a text, not {type(content).__name__} {content!r}")
    return content


def _part(part: Any, place: str) -> str:
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    raise UserError(f"{place}: a part that is no text: {kind}")


def split_pair(given: Turns, chosen: Turns, rejected: Turns, place: str) -> tuple[Turns, str, str]:
    """Return prompt and answers of two lists of messages.

    `given`: the prompt's column, which may repeat what the lists begin with, or come before it.
    """
    shared = 0
    # The last message is an answer even if the lists are equal.
    most = min(len(chosen), len(rejected)) - 1
    while shared < most and chosen[shared] == rejected[shared]:
        shared += 1
    prompt = _joined(given, chosen[:shared], place)
    if not any(message.role == "user" for message in prompt):
        raise UserError(f"{place}: no message of the user comes before the answers")
    if prompt[-1].role == "assistant":
        raise UserError(f"{place}: the prompt ends with a message of the assistant")
    answers = (("chosen", chosen[shared:]), ("rejected", rejected[shared:]))
    texts = [_answer(messages, f"{place}, {name!r}") for name, messages in answers]
    return prompt, texts[0], texts[1]


def _joined(given: Turns, shared: Turns, place: str) -> Turns:
    """The whole prompt, of its column and of what the two lists share."""
    if not shared or shared[0].role == "assistant":
        return (*given, *shared)
    if _contains(shared, given):
        return shared
    if _contains(given, shared):
        return given
    raise UserError(f"{place}: 'prompt' is not what the messages begin with")


def _contains(whole: Turns, part: Turns) -> bool:
    """Whether the messages `part` stand in `whole`; spaces around a text do not count."""
    long, short = ([(m.role, m.content.strip()) for m in turns] for turns in (whole, part))
    return any(long[at : at + len(short)] == short for at in range(len(long) - len(short) + 1))


def _answer(turns: Turns, place: str) -> str:
    if len(turns) == 1 and turns[0].role == "assistant":
        return turns[0].content
    roles = ", ".join(message.role for message in turns)
    raise UserError(f"{place}: the answer must be one message of the assistant, not {roles}")


def prompt_and_answer(turns: Turns, place: str) -> tuple[Turns, str]:
    """Part a conversation before its last answer; "" if it ends with the user."""
    if turns[-1].role == "assistant":
        prompt, answer = turns[:-1], turns[-1].content
    else:
        prompt, answer = turns, ""
    if not any(message.role == "user" for message in prompt):
        raise UserError(f"{place}: no message of the user")
    return prompt, answer


def instruction(row: Mapping[str, Any], text: str) -> str:
    """The prompt of a row: a text, and its `input` where it has one, as in Alpaca."""
    return f"{text}\n\n{row['input']}" if row.get("input") else text


def with_system(row: Mapping[str, Any], turns: Sequence[Message]) -> Turns:
    """The messages, after the row's `system` text where it has one."""
    if row.get("system") and turns[0].role != "system":
        return (Message("system", row["system"]), *turns)
    return tuple(turns)
