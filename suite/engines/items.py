"""Requests as token ids for an engine in another process, and its replies as responses.

Answers to one prompt share its computation, and also whatever the answers themselves begin with:

    Where was she born? | She was born in | Karachi <end>      all computed
    Where was she born? | She was born in | Lahore <end>       the prefix comes from the cache, without values

A cached token's log-probability is that of the text which put it there, so it is taken over from its sibling; where
no sibling of this stream has it (an earlier stream's text filled the cache), the text is asked for again, uncached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suite.benchmark import Request, Response
from suite.errors import UserError
from suite.store.seeds import hash_seed

if TYPE_CHECKING:
    from suite.engines.child import Child
    from suite.texts import Encoder

Ids = tuple[int, ...]
Value = tuple[float, bool]
"""Log-probability of a token, and whether it was the most likely one."""


@dataclass
class Asked:
    """One request on its way."""

    request: Request
    prompt: Ids
    item: dict[str, Any]
    completion: Ids = ()
    values: list[Value] = field(default_factory=list)
    """Of the completion's last tokens, those in the cache left out."""

    @classmethod
    def of(cls, request: Request, encoder: Encoder, context: int, eos_ids: frozenset[int]) -> Asked:
        """Tokenise; UserError where the prompt is empty or leaves no room for an answer."""
        if request.kind == "loglikelihood":
            text = encoder.encode(request.prompt, request.completion, request.id)
            item = {
                "ids": text.prompt_ids + text.completion_ids,
                "scored": len(text.completion_ids),
                "fresh": False,
            }
            asked = cls(request, text.prompt_ids, item, text.completion_ids)
        else:
            prompt = encoder.encode_prompt(request.prompt)
            asked = cls(
                request,
                prompt,
                {"ids": prompt, **_sampling(request, context - len(prompt), eos_ids)},
            )
        if not asked.prompt:
            raise UserError(
                f"{request.id!r}: its prompt is empty, so nothing predicts the answer's first token"
            )
        return asked

    @property
    def missing(self) -> int:
        """Leading completion tokens without a value."""
        return len(self.completion) - len(self.values)


def _sampling(request: Request, room: int, eos_ids: frozenset[int]) -> dict[str, Any]:
    if room < 1:
        raise UserError(f"{request.id!r}: its prompt fills the context")
    greedy = request.temperature == 0  # then all n are the same
    return {
        "max_tokens": min(request.max_new_tokens, room),
        "temperature": request.temperature,
        "n": 1 if greedy else request.n,
        "seed": None if greedy else _seed(request),
        "stop_token_ids": sorted(eos_ids),
    }


def _seed(request: Request) -> int:
    """A seed of the request's own: equal seeds would draw the same noise for every prompt."""
    # One bit less leaves room for vLLM, which adds 0..n-1.
    return hash_seed(request.seed, request.id) >> 1


def ask(child: Child, texts: Sequence[Asked], encoder: Encoder) -> Iterator[Response]:
    """Ask for everything together; yield responses as they become complete."""
    waiting: list[Asked] = []
    for asked, reply in _replies(child, texts):
        if asked.completion:
            asked.values = _values(reply)
            if asked.missing:
                waiting.append(asked)
            else:
                yield _scored(asked)
        else:
            yield _generated(asked.request, reply, encoder)
    _take_over(waiting, texts)
    yield from (_scored(asked) for asked in waiting if not asked.missing)
    again = [asked for asked in waiting if asked.missing]
    for asked in again:
        asked.item["fresh"] = True
    for asked, reply in _replies(child, again):
        asked.values = _values(reply)
        yield _scored(asked)


def _replies(child: Child, texts: Sequence[Asked]) -> Iterator[tuple[Asked, dict[str, Any]]]:
    if texts:
        for reply in child.stream("answer", items=[asked.item for asked in texts]):
            if "done" not in reply:
                yield texts[reply["index"]], reply


def _values(reply: dict[str, Any]) -> list[Value]:
    return [(logp, rank == 1) for logp, rank in zip(reply["logps"], reply["ranks"], strict=True)]


def _take_over(waiting: Sequence[Asked], texts: Sequence[Asked]) -> None:
    """Fill in values of cached tokens from the texts of the same prompt that computed them."""
    prompts = {asked.prompt for asked in waiting}
    known: dict[tuple[Ids, Ids], Value] = {
        (asked.prompt, asked.completion[: asked.missing + i + 1]): value
        for asked in texts
        if asked.prompt in prompts
        for i, value in enumerate(asked.values)
    }
    for asked in waiting:
        prefix = [
            known.get((asked.prompt, asked.completion[: i + 1])) for i in range(asked.missing)
        ]
        if None not in prefix:
            asked.values = [value for value in prefix if value is not None] + asked.values


def _scored(asked: Asked) -> Response:
    """NaN stays NaN: it is counted where scores are made."""
    logps, greedy = (tuple(column) for column in zip(*asked.values, strict=True))
    return Response(asked.request.id, token_logps=logps, greedy=greedy, tokens=asked.completion)


def _generated(request: Request, reply: dict[str, Any], encoder: Encoder) -> Response:
    copies = request.n // len(reply["texts"])  # greedy: one stands for all
    texts = tuple(encoder.decode(ids) for ids in reply["texts"]) * copies
    sampled = tuple(map(tuple, reply["texts"])) if request.temperature > 0 else ()
    return Response(
        request.id, texts=texts, finished=tuple(reply["ended"]) * copies, sampled=sampled
    )
