"""Which requests can be answered by the same computation.

    prompt P  "Who wrote 1984?"                      computed once
      answer  "George Orwell"   likelihood request   scored on top of P's cached keys and values
                                generate request     the same tokens, a guess at the greedy answer
      answer  "Aldous Huxley"   likelihood request

An answer is scored once, however many requests ask for it. Nothing here runs the model; see
`scoring` and `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from suite.api.requests import Generate, Request, ScoreText
from suite.core.errors import UserError
from suite.engines.kinds import unknown_kind
from suite.model.encoding import Encoder

T = TypeVar("T")
Ids = tuple[int, ...]

LONG, FEW = 64, 4
"""Prompts that share their first LONG tokens with at least FEW - 1 others (few-shot examples) are
read apart from the rest."""
ENOUGH = 256
"""Tokens at which a forward pass is efficient: one more batch then costs less than padding
(measured on 2 CPU cores)."""


@dataclass
class Answer:
    """A completion that is scored, or () where a generate request brings no guess."""

    prompt: Prompt
    ids: Ids
    """End-of-sequence included."""
    scored: list[ScoreText] = field(default_factory=list)
    """Likelihood requests that ask for these tokens."""
    wanted: list[Generate] = field(default_factory=list)
    """Generate requests that start here."""


@dataclass
class Prompt:
    """A prompt and everything that is asked about it."""

    ids: Ids
    answers: dict[Ids, Answer] = field(default_factory=dict)

    def answer(self, ids: Ids) -> Answer:
        """Return the answer with these tokens, made now if there is none yet."""
        return self.answers.setdefault(ids, Answer(self, ids))


def plan(requests: Sequence[Request], encoder: Encoder) -> list[Prompt]:
    """Tokenise the requests and group those that share work. UserError: a kind that is unknown."""
    prompts: dict[Ids, Prompt] = {}
    for request in requests:
        match request:
            case ScoreText():
                answer = _place(prompts, request, *_text_ids(request, request.completion, encoder))
                answer.scored.append(request)
            case Generate():
                answer = _place(prompts, request, *_guess_ids(request, encoder))
                answer.wanted.append(request)
            case _:
                raise unknown_kind("hf", request)
    return list(prompts.values())


def _place(prompts: dict[Ids, Prompt], request: Request, prompt_ids: Ids, ids: Ids) -> Answer:
    """Return the answer that holds the request, with its prompt; both are made if they are new."""
    if not prompt_ids:
        raise UserError(
            f"{request.id!r}: its prompt is empty, so nothing predicts the answer's first token"
        )
    prompt = prompts.setdefault(prompt_ids, Prompt(prompt_ids))
    return prompt.answer(ids)


def _text_ids(request: Request, text: str, encoder: Encoder) -> tuple[Ids, Ids]:
    """Tokens of the prompt and of the text after it."""
    encoded = encoder.encode(request.prompt, text, request.id)
    return encoded.prompt_ids, encoded.completion_ids


def _guess_ids(request: Generate, encoder: Encoder) -> tuple[Ids, Ids]:
    """Tokens of the prompt and of the guess; () where there is none, or where it cannot help."""
    if request.guess and request.temperature == 0:
        try:
            return _text_ids(request, request.guess, encoder)
        except UserError:
            # The guess is too long, or the template rewrites the prompt once an answer follows it.
            # Neither may end the run: without a guess the text is the same, only slower to make.
            # (Where this answer is scored too, that request does end the run.)
            return encoder.encode_prompt(request.prompt), ()
    return encoder.encode_prompt(request.prompt), ()


def families(prompts: Sequence[Prompt]) -> list[list[Prompt]]:
    """Group prompts by their first LONG tokens; groups of fewer than FEW form one last group."""
    groups: dict[Ids, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.ids[:LONG], []).append(prompt)
    large: list[list[Prompt]] = []
    others: list[Prompt] = []
    for group in groups.values():
        if len(group) >= FEW:
            large.append(group)
        else:
            others += group
    return [*large, others] if others else large


def common_prefix(prompts: Sequence[Prompt]) -> Ids:
    """Return the tokens that all prompts begin with; each prompt keeps one of its own or more."""
    # Whatever the smallest and the largest in sorted order share, all between them share too.
    ids = [prompt.ids for prompt in prompts]
    first, last = min(ids), max(ids)
    longest = min(map(len, ids)) - 1
    length = 0
    while length < longest and first[length] == last[length]:
        length += 1
    return first[:length]


def pack(
    items: Sequence[T], width: Callable[[T], int], budget: int, cached: int = 0
) -> Iterator[list[T]]:
    """Cut items into batches of similar width, widest first.

    A batch has at most `budget` padded tokens, `cached` ones per row included, or it is a single
    item.
    """
    batch: list[T] = []
    widest = 0
    for item in sorted(items, key=width, reverse=True):
        full = (len(batch) + 1) * (cached + widest) > budget
        # A much narrower item would mostly be padding; in a small batch that costs little.
        loose = 4 * width(item) < 3 * widest and len(batch) * widest >= ENOUGH
        if batch and (full or loose):
            yield batch
            batch = []
        if not batch:
            widest = width(item)
        batch.append(item)
    if batch:
        yield batch
