"""A language model behind any OpenAI-compatible endpoint judges, in words.

    suite run --bench win_rate --judge openai --set judge_openai.model=NAME \\
              --set judge_openai.base_url=http://…/v1

After a reply without a verdict in the agreed form (empty, a refusal, garbage, cut off) the judge is
asked once more, with a reminder; then the comparison has no verdict. What the endpoint refuses, or
still fails at after the retries, stops the run with one line. The verdicts so far are kept, and the
same command goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from suite import hookimpl
from suite.api.judge import Comparison, Cost, Judge, Rewards, Verdict
from suite.core.errors import UserError
from suite.engines.endpoint import Endpoint, check_address
from suite.judges.prompts import CRITERIA, REMINDER, VERDICT_LINE, instructions, parse, request
from suite.ranges import Count, Index, NonNegative, Positive
from suite.store import Json, digest

if TYPE_CHECKING:
    from openai import OpenAI

    from suite.api.stages import Host

CHARACTERS_PER_TOKEN = 4
"""Of English text, roughly; for forecasts only."""


@dataclass(frozen=True)
class OpenAIJudgeConfig:
    """Settings of the judge; the key is read from the environment variable OPENAI_API_KEY."""

    base_url: str = "https://api.openai.com/v1"
    """Address of the API."""
    model: str = ""
    """The judging model's name at the endpoint; name a dated version where there is one."""
    temperature: NonNegative | None = 0.0
    """Sampling temperature; none: it is not sent (some models refuse it)."""
    max_tokens: Count = 512
    """Longest reply, tokens."""
    concurrency: Count = 8
    """Comparisons that wait for their verdict at the same time."""
    timeout: Positive = 120.0
    """Seconds for one try."""
    retries: Index = 6
    """Further tries after a time-out, a lost connection, 408, 409, 429 or 5xx; they wait as long as
    Retry-After says."""
    budget_tokens: Index = 0
    """Ask no more once the verdicts of one start of a run, of all its benchmarks together, took so
    many tokens; 0: no limit."""
    price_in: NonNegative | None = None
    """US dollars per million tokens that are sent, for the ledger and `--dry-run`."""
    price_out: NonNegative | None = None
    """US dollars per million tokens of replies."""

    def __post_init__(self) -> None:
        check_address(self.base_url)


@dataclass(frozen=True)
class _Reply:
    text: str
    note: str
    """Why there is no text."""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class OpenAIJudge(Judge[OpenAIJudgeConfig]):
    """A language model at an OpenAI-compatible endpoint compares the answers in words."""

    name = "openai"
    revision = 1
    Config = OpenAIJudgeConfig
    extra = "openai"

    def __init__(
        self, config: OpenAIJudgeConfig, context: Host, rewards: Rewards | None = None
    ) -> None:
        super().__init__(config, context, rewards)
        if not config.model:
            raise UserError("judge openai: name the judging model: --set judge_openai.model=NAME")
        self._spent = 0
        self._lock = Lock()

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where verdicts come from."""
        own = self.config
        return Endpoint(
            own.base_url,
            own.model,
            concurrency=own.concurrency,
            timeout=own.timeout,
            retries=own.retries,
        )

    def identity(self) -> dict[str, Json]:
        """Address, model, sampling, and the wording of everything that is asked."""
        own = self.config
        told = [[instructions(name, VERDICT_LINE) for name in CRITERIA], REMINDER]
        return {
            "base_url": own.base_url,
            "model": own.model,
            "temperature": own.temperature,
            "max_tokens": own.max_tokens,
            "instructions": digest(told),
        }

    def open(self, folders: Mapping[str, Path]) -> None:
        """Refuse a model that the endpoint does not have, before anything is paid for."""
        self.endpoint.check_model()

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Ask for all of them."""
        try:
            for _, verdict in self.endpoint.ask_all(self._verdict, comparisons):
                yield verdict
        except UserError as error:
            raise type(error)(f"judge openai: {error}; the verdicts so far are kept") from error

    def forecast(self, comparison: Comparison) -> Cost:
        """One call: the request by its characters, the longest reply."""
        characters = sum(len(each.content) for each in request(comparison, VERDICT_LINE))
        tokens_in, tokens_out = characters // CHARACTERS_PER_TOKEN, self.config.max_tokens
        return Cost(1, tokens_in, tokens_out, self.price(tokens_in, tokens_out))

    def price(self, tokens_in: int, tokens_out: int) -> float | None:
        """By `price_in` and `price_out`, US dollars."""
        if self.config.price_in is None or self.config.price_out is None:
            return None
        return (tokens_in * self.config.price_in + tokens_out * self.config.price_out) / 1e6

    def describe(self) -> str:
        """Name the model."""
        return f"openai {self.config.model}"

    def instructions(self, criterion: str) -> str:
        """All that the model is told."""
        return instructions(criterion, VERDICT_LINE)

    def _verdict(self, client: OpenAI, comparison: Comparison) -> Verdict:
        """Ask, and once more if the reply holds no verdict."""
        system, user = request(comparison, VERDICT_LINE)
        replies: list[_Reply] = []
        for text in (user.content, f"{user.content}\n\n{REMINDER}"):
            self._check_budget()
            asked = [
                {"role": "system", "content": system.content},
                {"role": "user", "content": text},
            ]
            reply = self._reply(client, asked)
            self._spend(reply)
            replies.append(reply)
            if parse(reply.text) is not None:
                break
        last = replies[-1]
        choice = parse(last.text)
        return Verdict(
            comparison.id,
            choice,
            note="" if choice else last.note or "no verdict in the agreed form",
            calls=len(replies),
            tokens_in=sum(reply.tokens_in for reply in replies),
            tokens_out=sum(reply.tokens_out for reply in replies),
            model=last.model,
        )

    def _reply(self, client: OpenAI, messages: Sequence[Mapping[str, str]]) -> _Reply:
        """Ask once. The body is read here, because the client refuses what is none of its own."""
        own = self.config
        body: dict[str, Any] = {
            "model": own.model,
            "messages": list(messages),
            "max_completion_tokens": own.max_tokens,
        }
        if own.temperature is not None:
            body["temperature"] = own.temperature
        reply = _read(client.chat.completions.with_raw_response.create(**body).content)
        return replace(reply, model=self.endpoint.plain(reply.model))

    def _check_budget(self) -> None:
        """Raise UserError once the budget is spent; replies on their way may still exceed it."""
        limit = self.config.budget_tokens
        if limit and self._spent >= limit:
            raise UserError(
                f"the budget of {limit:,} tokens is spent, for all benchmarks together; "
                "judge_openai.budget_tokens raises it"
            )

    def _spend(self, reply: _Reply) -> None:
        with self._lock:  # `ask_all` asks from several threads
            self._spent += reply.tokens_in + reply.tokens_out


def _read(content: bytes) -> _Reply:
    """Read a chat completion; anything else becomes a reply without text."""
    try:
        answer = json.loads(content)
        usage = answer.get("usage") or {}
        counts = int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        message = answer["choices"][0]["message"]
        text, refusal = message.get("content"), message.get("refusal")
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        return _Reply("", "garbage instead of a reply")
    model = str(answer.get("model") or "")
    if not isinstance(text, str) or not text.strip():
        return _Reply("", "refused" if refusal else "empty reply", model, *counts)
    return _Reply(text, "", model, *counts)


@hookimpl
def suite_judges() -> list[type[Judge[Any]]]:
    """Register the judge."""
    return [OpenAIJudge]
