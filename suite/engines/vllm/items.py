"""Requests as token ids for an engine in another process, and its replies as responses.

Answers to one prompt share its computation, and also whatever the answers themselves begin with:

    Where was she born? | She was born in | Karachi <end>   all computed
    Where was she born? | She was born in | Lahore <end>    the prefix is cached and has no values

A cached token's log-probability is that of the text which put it there, so it is taken over from
that text, a sibling. Where no sibling of this stream has it (a text of an earlier stream filled the
cache), the text is asked for again, without the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suite.api.requests import Generate, Generated, Request, Response, ScoreText, TextScore
from suite.core.errors import UserError
from suite.engines.kinds import unknown_kind
from suite.store.seeds import hash_seed

if TYPE_CHECKING:
    from suite.engines.vllm.child import Child
    from suite.model.encoding import Encoder

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
        """Tokenise the request.

        UserError: a kind that is unknown, or a prompt that is empty or leaves no room for an
        answer.
        """
        match request:
            case ScoreText():
                text = encoder.encode(request.prompt, request.completion, request.id)
                ids = text.prompt_ids + text.completion_ids
                item = {"ids": ids, "scored": len(text.completion_ids), "fresh": False}
                asked = cls(request, text.prompt_ids, item, text.completion_ids)
            case Generate():
                prompt = encoder.encode_prompt(request.prompt)
                sampling = _sampling(request, context - len(prompt), eos_ids)
                asked = cls(request, prompt, {"ids": prompt, **sampling})
            case _:
                raise unknown_kind("vllm", request)
        if not asked.prompt:
            raise UserError(
                f"{request.id!r}: its prompt is empty, so nothing predicts the answer's first token"
            )
        return asked

    @property
    def missing(self) -> int:
        """Leading completion tokens without a value."""
        return len(self.completion) - len(self.values)


def _sampling(request: Generate, room: int, eos_ids: frozenset[int]) -> dict[str, Any]:
    """How vLLM samples the texts of a generate request; `room`: tokens left in the context."""
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


def _seed(request: Generate) -> int:
    """A seed of the request's own: equal seeds would draw the same noise for every prompt."""
    # One bit less leaves room for vLLM, which adds 0..n-1.
    return hash_seed(request.seed, request.id) >> 1


def ask(child: Child, texts: Sequence[Asked], encoder: Encoder) -> Iterator[Response]:
    """Ask for everything together; yield responses as they become complete."""
    waiting: list[Asked] = []  # for values that a sibling may have
    for asked, reply in _replies(child, texts):
        if isinstance(asked.request, Generate):
            yield _generated(asked.request, reply, encoder)
            continue
        asked.values = _values(reply)
        if asked.missing:
            waiting.append(asked)
        else:
            yield _scored(asked)
    _take_over(waiting, texts)
    again: list[Asked] = []
    for asked in waiting:
        if asked.missing:
            asked.item["fresh"] = True
            again.append(asked)
        else:
            yield _scored(asked)
    for asked, reply in _replies(child, again):
        asked.values = _values(reply)
        yield _scored(asked)


def _replies(child: Child, texts: Sequence[Asked]) -> Iterator[tuple[Asked, dict[str, Any]]]:
    """Send all texts at once; yield each with its reply, as the replies arrive."""
    if not texts:
        return
    items = [asked.item for asked in texts]
    for reply in child.stream("answer", items=items):
        if "done" not in reply:
            yield texts[reply["index"]], reply


def _values(reply: dict[str, Any]) -> list[Value]:
    """Read the values of a reply; the most likely token has rank 1."""
    pairs = zip(reply["logps"], reply["ranks"], strict=True)
    return [(logp, rank == 1) for logp, rank in pairs]


def _take_over(waiting: Sequence[Asked], texts: Sequence[Asked]) -> None:
    """Fill in values of cached tokens from the texts of the same prompt that computed them."""
    prompts = {asked.prompt for asked in waiting}
    # A token's value depends on all tokens before it, so it is known by prompt and completion so
    # far.
    known: dict[tuple[Ids, Ids], Value] = {}
    for asked in texts:
        if asked.prompt in prompts:
            for end, value in enumerate(asked.values, start=asked.missing + 1):
                known[asked.prompt, asked.completion[:end]] = value
    for asked in waiting:
        prefix: list[Value] = []
        for end in range(1, asked.missing + 1):
            found = known.get((asked.prompt, asked.completion[:end]))
            if found is None:
                break
            prefix.append(found)
        if len(prefix) == asked.missing:  # else the text is asked for again, as a whole
            asked.values = prefix + asked.values


def _scored(asked: Asked) -> TextScore:
    """Make a likelihood response. NaN stays NaN: it is counted where scores are made."""
    logps, greedy = (tuple(column) for column in zip(*asked.values, strict=True))
    return TextScore(asked.request.id, token_logps=logps, greedy=greedy, tokens=asked.completion)


def _generated(request: Generate, reply: dict[str, Any], encoder: Encoder) -> Generated:
    """Make the response of a generate request; of greedy texts, one stands for all n."""
    copies = request.n // len(reply["texts"])
    texts = tuple(encoder.decode(ids) for ids in reply["texts"]) * copies
    finished = tuple(reply["ended"]) * copies
    sampled = tuple(map(tuple, reply["texts"])) if request.temperature > 0 else ()
    return Generated(request.id, texts=texts, finished=finished, sampled=sampled)
