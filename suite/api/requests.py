"""What is asked of a model, and what it answers: one class for each kind of request.

    kind           asks                                  is answered by
    ScoreText      how likely is this completion?        TextScore
    Generate       write n continuations                 Generated

A method that answers in its own way may answer a ScoreText with `Rewarded`, and what it cannot
answer with `Unanswered`. A plugin adds a kind by deriving from `Request` and `Response`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from suite.api.data import Message
from suite.core.errors import UserError


@dataclass(frozen=True)
class Response:
    """Base class of the answers; the request has the same id."""

    kind: ClassVar[str]
    """How responses.jsonl names the class."""

    id: str

    @classmethod
    def of(cls, response: Response) -> Self:
        """Return the response, which must be of this class. UserError: it is of another."""
        if not isinstance(response, cls):
            raise UserError(
                f"response {response.id!r} is of the kind {response.kind!r}, not {cls.kind!r}"
            )
        return response


@dataclass(frozen=True)
class TextScore(Response):
    """How likely a completion is."""

    kind = "loglikelihood"

    token_logps: tuple[float, ...]
    """Log-probability of each completion token, end-of-sequence last, nats."""
    greedy: tuple[bool, ...] = ()
    """Whether the model's most likely token was that token."""
    tokens: tuple[int, ...] = ()
    """The completion's tokens, by the model's own tokenizer; () where the engine does not tell."""


@dataclass(frozen=True)
class Generated(Response):
    """What a model wrote."""

    kind = "generate"

    texts: tuple[str, ...]
    """n continuations."""
    finished: tuple[bool, ...] = ()
    """Whether each ended by itself (False: cut at max_new_tokens)."""
    sampled: tuple[tuple[int, ...], ...] = ()
    """At a temperature above 0: the tokens of each text, end-of-sequence included where it ended;
    () where the engine does not tell."""
    kl: tuple[float, ...] = ()
    """Of each text, the sum over its tokens of KL(policy || starting model), nats; only where the
    benchmark `measures_kl`."""


@dataclass(frozen=True)
class Rewarded(Response):
    """A reward model's answer to a ScoreText: it has no log-probabilities."""

    kind = "reward"

    reward: float


@dataclass(frozen=True)
class Unanswered(Response):
    """The method cannot answer requests of this kind."""

    kind = "unanswered"


@dataclass(frozen=True)
class Request:
    """Base class of what is asked. Requests with equal prompts share the prompt's computation."""

    kind: ClassVar[str]
    """How messages, settings of methods and keys name the class."""

    id: str
    """"<item id>/<what is asked>", e.g. "forget/12/paraphrased"."""
    prompt: tuple[Message, ...]

    @property
    def expected(self) -> str:
        """The text known to follow the prompt, whose length is checked before anything trains."""
        return ""


@dataclass(frozen=True)
class ScoreText(Request):
    """How likely is the completion after the prompt? Answered by a `TextScore`."""

    kind = "loglikelihood"

    completion: str

    @property
    def expected(self) -> str:
        """The completion."""
        return self.completion


@dataclass(frozen=True)
class Generate(Request):
    """Write n continuations of the prompt. Answered by a `Generated`."""

    kind = "generate"

    guess: str = ""
    """A guess at the answer (checked, never trusted) or ""."""
    max_new_tokens: int = 200
    temperature: float = 0.0
    n: int = 1
    seed: int = 0

    @property
    def expected(self) -> str:
        """The guess."""
        return self.guess


def response_class(kind: str) -> type[Response] | None:
    """Find the class of responses of that kind, plugins' included; None if there is none.

    UserError: two classes share the kind.
    """
    found = [each for each in _derived(Response) if each.__dict__.get("kind") == kind]
    if len(found) > 1:
        raise UserError(f"two classes of responses have the kind {kind!r}: rename one")
    return found[0] if found else None


def _derived(parent: type[Response]) -> Iterator[type[Response]]:
    """Yield the classes derived from `parent`, at any depth."""
    for child in parent.__subclasses__():
        yield child
        yield from _derived(child)
