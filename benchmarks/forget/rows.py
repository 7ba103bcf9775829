"""One row of a file of own data, in any of its forms, as pieces that are learnt and asked about.

{"question": "Who wrote it?", "answer": "Ann."}         one piece
{"prompt": "Who wrote it?", "completion": "Ann."}       one piece; the prompt may be messages
{"messages": [..., {"role": "assistant", ...}]}         one piece: the last message is learnt
{"text": "A whole document ..."}                        one piece for each window of its tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suite import Message, Row, Tokens, UserError
from suite.tables import Name, Turns

from ..pairs.messages import messages, prompt_and_answer
from .windows import Piece, Windows

FORMS = (("question", "answer"), ("prompt", "completion"), ("messages",), ("text",))
"""The columns that make a row; it has those of one form."""
COLUMNS: dict[str, type] = {
    "id": Name,
    "cluster": Name,
    "question": str,
    "answer": str,
    "prompt": Turns,
    "completion": Turns,
    "messages": Turns,
    "text": str,
}


@dataclass(frozen=True)
class Entry:
    """One row of a file."""

    id: str
    cluster: str
    pieces: tuple[Piece, ...]
    text: str
    """All of it, to find the same text in another file."""
    is_text: bool
    """Whether it is a plain text, whose pieces are its windows."""
    named: bool
    """Whether the row has an id of its own; else its number is its id."""

    def rows(self, set_name: str) -> list[Row]:
        """Training rows, one for each piece."""
        id, cluster = f"{set_name}/{self.id}", f"{set_name}/{self.cluster}"
        if len(self.pieces) == 1:
            return [Row(id, self.pieces[0].prompt, self.pieces[0].completion, cluster)]
        made = []
        for number, piece in enumerate(self.pieces):
            made.append(Row(f"{id}/{number}", piece.prompt, piece.completion, cluster))
        return made


class Reader:
    """Makes entries of rows. `tokens`: how the model cuts texts."""

    def __init__(self, tokens: Tokens, windows: Windows) -> None:
        self.tokens = tokens
        self.windows = windows

    def entry(self, row: Mapping[str, Any], number: int, place: str) -> Entry:
        """The row as pieces. UserError, naming `place`: no form, or longer than the context."""
        form = _form(row, place)
        id = str(row.get("id", number))
        advice = "give it as a plain text (column 'text'), which is cut into windows"
        if form == ("text",):
            pieces = self.windows.cut(row["text"], self.tokens, place)
            text = row["text"]
            advice = "lower forget.window or forget.prefix"
        else:
            prompt, completion = _parted(row, form, place)
            pieces = (Piece(prompt, completion),)
            text = "\n".join([*(message.content for message in prompt), completion])
        for piece in pieces:
            self.check_length(piece, place, advice)
        cluster = str(row.get("cluster", id))
        return Entry(id, cluster, pieces, text, form == ("text",), "id" in row)

    def check_length(self, piece: Piece, place: str, advice: str) -> None:
        """Refuse what the model cannot read at once. `advice`: what to do."""
        texts = [message.content for message in piece.prompt] + [piece.completion]
        length = sum(len(self.tokens.ends(text)) for text in texts)
        if length > self.tokens.context:
            raise UserError(
                f"{place}: {length} tokens, more than the {self.tokens.context} that the model "
                f"reads at once; {advice}"
            )


def _form(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    there = [column for column in row if column not in ("id", "cluster")]
    for form in FORMS:
        if set(there) == set(form):
            return form
    known = "; or ".join(" and ".join(form) for form in FORMS)
    raise UserError(f"{place}: a row has {known}; this one has {', '.join(there) or 'none'}")


def _parted(
    row: Mapping[str, Any], form: tuple[str, ...], place: str
) -> tuple[tuple[Message, ...], str]:
    """Prompt and completion. UserError: there is nothing to learn, or nobody asks."""
    if form == ("messages",):
        where = f"{place}, 'messages'"
        prompt, completion = prompt_and_answer(messages(row["messages"], where), where)
        if not completion.strip():
            raise UserError(f"{where}: must end with a message of the assistant, which is learnt")
        return prompt, completion
    asked, answered = form
    prompt = messages(row[asked], f"{place}, {asked!r}")
    if prompt[-1].role == "assistant":
        raise UserError(f"{place}, {asked!r}: ends with a message of the assistant")
    return prompt, completion_of(row[answered], f"{place}, {answered!r}")


def completion_of(value: Any, place: str) -> str:
    """The completion: a text, or one message of the assistant."""
    if isinstance(value, str):
        return value
    turns = messages(value, place)
    if len(turns) != 1 or turns[0].role != "assistant" or not turns[0].content.strip():
        raise UserError(f"{place}: must be a text, or one message of the assistant")
    return turns[0].content
