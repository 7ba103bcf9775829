"""Any OpenAI-compatible endpoint: a model that somebody else serves answers.

    suite run --engine openai --set openai.base_url=http://localhost:8000/v1 --set openai.model=my-model ...

    api = completions   prompts go as token ids of the run's tokenizer; log-likelihoods come with `echo` and `logprobs`
    api = chat          messages go, the endpoint's own template makes the prompt; texts only

An endpoint serves one model, whatever this run trains. So it answers for the model that the run starts from
(`--model`, which must be what is served), and cells with weights of their own are refused while planning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from suite import hookimpl
from suite.benchmark import Request, Response
from suite.endpoint import Endpoint, check_address
from suite.engines import Engine
from suite.errors import UserError
from suite.ranges import Count, Index, Positive
from suite.texts import Encoded, Encoder


@dataclass(frozen=True)
class OpenAIConfig:
    """Settings of the engine. The key is none: it is read from the environment variable OPENAI_API_KEY."""

    base_url: str = "http://localhost:8000/v1"
    """Address of the API."""
    model: str = ""
    """The model's name at the endpoint."""
    api: Literal["completions", "chat"] = "completions"
    """completions: token ids, log-likelihoods too; chat: the endpoint's own chat template, texts only."""
    concurrency: Count = 8
    """Requests that wait for their answer at the same time."""
    timeout: Positive = 120.0
    """Seconds for one try."""
    retries: Index = 6
    """Further tries after a time-out, a lost connection, 408, 409, 429 or 5xx; Retry-After is heeded."""

    def __post_init__(self) -> None:
        check_address(self.base_url)


class OpenAIEngine(Engine):
    """Answers by asking an OpenAI-compatible endpoint."""

    name = "openai"
    Config = OpenAIConfig
    extra = "openai"
    encoder: Encoder

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if not self.config.model:
            raise UserError(
                "engine openai: name the model at the endpoint: --set openai.model=NAME"
            )

    @property
    def serves_one_model(self) -> bool:
        """An endpoint keeps the weights that it was started with."""
        return True

    @property
    def endpoint(self) -> Endpoint:
        """Where answers come from."""
        own = self.config
        return Endpoint(
            own.base_url,
            own.model,
            concurrency=own.concurrency,
            timeout=own.timeout,
            retries=own.retries,
        )

    def check(self, requests: Sequence[Request]) -> None:
        """Refuse what can be known to fail before anything is computed."""
        if self.config.api == "chat" and any(
            request.kind == "loglikelihood" for request in requests
        ):
            raise UserError(
                "engine openai: the chat API gives no log-probabilities of a given text, which this benchmark needs; "
                "use openai.api=completions where the endpoint has it, or --engine hf"
            )
        self.endpoint.check_model()

    def load(self, folder: Path) -> None:
        """Take the tokenizer of `folder`; its weights are those that the endpoint serves."""
        from suite.models import load_tokenizer

        self.encoder = Encoder(load_tokenizer(folder), self.template, self.max_length)

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer every request once, as the answers arrive."""
        endpoint = self.endpoint
        for request, answer in endpoint.ask_all(self._ask, requests):
            try:
                if request.kind == "loglikelihood":
                    yield _likelihood(request, self._encoded(request), answer)
                else:
                    yield self._texts(request, answer)
            except (AttributeError, TypeError, IndexError, ValueError) as error:
                raise endpoint.garbled(f"{request.id!r}: {error}") from error

    def identity(self) -> dict[str, str]:
        """Address, model and API, as they enter the key of what this engine answers."""
        own = self.config
        return {"engine": self.name, "base_url": own.base_url, "model": own.model, "api": own.api}

    def _encoded(self, request: Request) -> Encoded:
        return self.encoder.encode(request.prompt, request.completion, request.id)

    def _ask(self, client: Any, request: Request) -> Any:
        if request.kind == "loglikelihood":
            text = self._encoded(request)
            ids = [*text.prompt_ids, *text.completion_ids]
            # max_tokens=0 is an error at some endpoints; the one token more is left out of the count.
            return client.completions.create(
                model=self.config.model,
                prompt=ids,
                echo=True,
                logprobs=1,
                max_tokens=1,
                temperature=0.0,
            )
        sampling = {
            "model": self.config.model,
            "temperature": request.temperature,
            "n": request.n if request.temperature > 0 else 1,
            "seed": request.seed,
        }
        if self.config.api == "chat":
            messages = [{"role": turn.role, "content": turn.content} for turn in request.prompt]
            return client.chat.completions.create(
                messages=messages, max_completion_tokens=request.max_new_tokens, **sampling
            )
        prompt = list(self.encoder.encode_prompt(request.prompt))
        return client.completions.create(
            prompt=prompt, max_tokens=request.max_new_tokens, **sampling
        )

    def _texts(self, request: Request, answer: Any) -> Response:
        choices = sorted(answer.choices, key=lambda choice: choice.index)
        texts = [
            choice.message.content if self.config.api == "chat" else choice.text
            for choice in choices
        ]
        if request.temperature == 0:  # all n are the same
            texts, choices = texts * request.n, choices * request.n
        if len(texts) != request.n or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{request.n} texts were asked for, got {texts!r}")
        ended = tuple(choice.finish_reason == "stop" for choice in choices)
        return Response(request.id, texts=tuple(text.strip() for text in texts), finished=ended)


def _likelihood(request: Request, text: Encoded, answer: Any) -> Response:
    """Log-probabilities of the completion: the last tokens of what was echoed, before the one that was generated."""
    given = answer.choices[0].logprobs
    if given is None or not given.token_logprobs or len(given.token_logprobs) <= 1:
        raise UserError(
            "engine openai: the endpoint gives no log-probabilities of a prompt (completions with echo and logprobs), "
            "which this benchmark needs; vLLM's server does, and --engine hf or vllm do without an endpoint"
        )
    found = len(given.token_logprobs)
    if found not in (len(text), len(text) + 1):
        raise UserError(
            f"engine openai: {request.id!r} has {len(text)} tokens, but the endpoint gives the log-probabilities of "
            f"{found}: it reads the text with another tokenizer than the run's model"
        )
    part = slice(len(text.prompt_ids), len(text))
    logps = tuple(math.nan if x is None else float(x) for x in given.token_logprobs[part])
    best = [max(top.values()) if top else math.nan for top in given.top_logprobs[part]]
    greedy = tuple(x >= most for x, most in zip(logps, best, strict=True))
    return Response(request.id, token_logps=logps, greedy=greedy, tokens=text.completion_ids)


@hookimpl
def suite_engines() -> list[type[Engine]]:
    """Register the engine."""
    return [OpenAIEngine]
