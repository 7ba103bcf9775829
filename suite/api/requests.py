"""What is asked of a model, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from suite.api.data import Message


@dataclass(frozen=True)
class Request:
    """One thing asked of a model. Requests with equal prompts share the prompt's computation."""

    id: str
    """"<item id>/<what is asked>", e.g. "forget/12/paraphrased"."""
    kind: Literal["loglikelihood", "generate"]
    prompt: tuple[Message, ...]
    completion: str = ""
    """loglikelihood: the text that is scored. generate: a guess at the answer (checked, never
    trusted) or ""."""
    max_new_tokens: int = 200
    temperature: float = 0.0
    n: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Response:
    """The answer to the request of the same id."""

    id: str
    token_logps: tuple[float, ...] = ()
    """loglikelihood: log-probability of each completion token, end-of-sequence last, nats."""
    greedy: tuple[bool, ...] = ()
    """loglikelihood: whether the model's most likely token was that token."""
    tokens: tuple[int, ...] = ()
    """loglikelihood: the completion's tokens, by the model's own tokenizer; () where the engine
    does not tell."""
    texts: tuple[str, ...] = ()
    """generate: n continuations."""
    finished: tuple[bool, ...] = ()
    """generate: whether each ended by itself (False: cut at max_new_tokens)."""
    sampled: tuple[tuple[int, ...], ...] = ()
    """generate at a temperature above 0: the tokens of each text, end-of-sequence included where it
    ended; () where the engine does not tell."""
    kl: tuple[float, ...] = ()
    """generate: of each text, the sum over its tokens of KL(policy || starting model), nats; only
    where the benchmark `measures_kl`."""
    reward: float | None = None
    """loglikelihood: the completion's reward, where a reward model answers; it has no
    log-probabilities."""
