"""Which requests can be answered by the same computation.

    prompt P  "Who wrote 1984?"                      computed once
      answer  "George Orwell"   likelihood request   scored on top of P's cached keys and values
                                generate request     the same tokens, as a guess at the greedy answer
      answer  "Aldous Huxley"   likelihood request

An answer is scored once, however many requests ask for it. Nothing here computes; see `scoring` and `decode`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from suite.api.requests import Request
from suite.core.errors import UserError
from suite.model.encoding import Encoder

T = TypeVar("T")

LONG, FEW = 64, 4
"""Prompts that share this many tokens with so many others (few-shot examples) are read apart from the rest."""
ENOUGH = 256
"""Tokens at which a forward pass is efficient, so that a further batch costs less than padding (2 CPU cores)."""


@dataclass
class Answer:
    """A completion that is scored, or () where a generate request brings no guess."""

    prompt: Prompt
    ids: tuple[int, ...]
    """End-of-sequence included."""
    scored: list[Request] = field(default_factory=list)
    """Likelihood requests that ask for these tokens."""
    wanted: list[Request] = field(default_factory=list)
    """Generate requests that start here."""


@dataclass
class Prompt:
    """A prompt and everything that is asked about it."""

    ids: tuple[int, ...]
    answers: dict[tuple[int, ...], Answer] = field(default_factory=dict)

    def answer(self, ids: tuple[int, ...]) -> Answer:
        """The answer of these tokens, new or not."""
        return self.answers.setdefault(ids, Answer(self, ids))


def plan(requests: Sequence[Request], encoder: Encoder) -> list[Prompt]:
    """Tokenise the requests and bring those together that share work."""
    prompts: dict[tuple[int, ...], Prompt] = {}
    for request in requests:
        scored = request.kind == "loglikelihood"
        prompt_ids, ids = _scored_ids(request, encoder) if scored else _guess_ids(request, encoder)
        if not prompt_ids:
            raise UserError(
                f"{request.id!r}: its prompt is empty, so nothing predicts the answer's first token"
            )
        answer = prompts.setdefault(prompt_ids, Prompt(prompt_ids)).answer(ids)
        (answer.scored if scored else answer.wanted).append(request)
    return list(prompts.values())


def _scored_ids(request: Request, encoder: Encoder) -> tuple[tuple[int, ...], tuple[int, ...]]:
    encoded = encoder.encode(request.prompt, request.completion, request.id)
    return encoded.prompt_ids, encoded.completion_ids


def _guess_ids(request: Request, encoder: Encoder) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if request.completion and request.temperature == 0:
        try:
            return _scored_ids(request, encoder)
        except UserError:
            # Too long, or a template that rewrites the prompt once an answer follows. The text is the same without a
            # guess, only slower, so neither may end the run; where the answer itself is scored, both do.
            return encoder.encode_prompt(request.prompt), ()
    return encoder.encode_prompt(request.prompt), ()


def families(prompts: Sequence[Prompt]) -> list[list[Prompt]]:
    """Group prompts by their first LONG tokens; those that share them with few others make one last family."""
    groups: dict[tuple[int, ...], list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.ids[:LONG], []).append(prompt)
    large = [group for group in groups.values() if len(group) >= FEW]
    others = [prompt for group in groups.values() if len(group) < FEW for prompt in group]
    return [*large, others] if others else large


def common_prefix(prompts: Sequence[Prompt]) -> tuple[int, ...]:
    """The tokens that all prompts begin with; every prompt keeps at least one token of its own."""
    first, last = min(p.ids for p in prompts), max(p.ids for p in prompts)
    longest = min(len(p.ids) for p in prompts) - 1
    pairs = zip(first[:longest], last, strict=False)
    return first[: next((i for i, (a, b) in enumerate(pairs) if a != b), longest)]


def pack(
    items: Sequence[T], width: Callable[[T], int], budget: int, cached: int = 0
) -> Iterator[list[T]]:
    """Cut items into batches of similar width, widest first.

    A batch has at most `budget` padded tokens, `cached` ones per row included, or it is a single item.
    """
    batch: list[T] = []
    widest = 0
    for item in sorted(items, key=width, reverse=True):
        full = (len(batch) + 1) * (cached + widest) > budget
        loose = 4 * width(item) < 3 * widest and len(batch) * widest >= ENOUGH
        if batch and (full or loose):
            yield batch
            batch = []
        if not batch:
            widest = width(item)
        batch.append(item)
    if batch:
        yield batch
