"""Any OpenAI-compatible endpoint: a model that somebody else serves answers.

    suite run --engine openai --set openai.base_url=http://localhost:8000/v1 \\
              --set openai.model=my-model

    api = completions   sends prompts as token ids of the run's tokenizer, gets texts and (by `echo`
                        and `logprobs`) log-likelihoods
    api = chat          sends messages, which the endpoint's own template turns into a prompt; gets
                        texts only

An endpoint serves one model, whatever this run trains. So it answers for the model that the run
starts from (`--model`, which must be what is served), and cells with weights of their own are
refused while planning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from suite import hookimpl
from suite.api.data import Encoded
from suite.api.engine import Engine
from suite.api.requests import Generate, Generated, Request, Response, ScoreText, TextScore
from suite.core.errors import UserError
from suite.engines.endpoint import Endpoint, check_address
from suite.engines.kinds import check_kinds, unknown_kind
from suite.model.encoding import Encoder
from suite.ranges import Count, Index, Positive


@dataclass(frozen=True)
class OpenAIConfig:
    """Settings of the engine; the key is read from the environment variable OPENAI_API_KEY."""

    base_url: str = "http://localhost:8000/v1"
    """Address of the API."""
    model: str = ""
    """The model's name at the endpoint."""
    api: Literal["completions", "chat"] = "completions"
    """completions: sends token ids, gets log-likelihoods too. chat: sends messages, gets texts."""
    concurrency: Count = 8
    """Requests that wait for their answer at the same time."""
    timeout: Positive = 120.0
    """Seconds for one try."""
    retries: Index = 6
    """Further tries after a time-out, a lost connection, 408, 409, 429 or 5xx; they wait as long as
    Retry-After says."""

    def __post_init__(self) -> None:
        check_address(self.base_url)


class OpenAIEngine(Engine):
    """Answers by asking an OpenAI-compatible endpoint."""

    name = "openai"
    Config = OpenAIConfig
    extra = "openai"
    answers_apart = True
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
        check_kinds(self.name, requests)
        scored = any(isinstance(request, ScoreText) for request in requests)
        if self.config.api == "chat" and scored:
            raise UserError(
                "engine openai: the chat API gives no log-probabilities of a given text, which "
                "this benchmark needs; use openai.api=completions where the endpoint has it, "
                "or --engine hf"
            )
        self.endpoint.check_model()

    def load(self, folder: Path) -> None:
        """Take the tokenizer of `folder`; its weights are those that the endpoint serves."""
        from suite.model.folder import load_tokenizer

        self.encoder = Encoder(load_tokenizer(folder), self.template, self.max_length)

    def stream(self, requests: Sequence[Request]) -> Iterator[Response]:
        """Answer every request once, as the answers arrive."""
        check_kinds(self.name, requests)  # before anything is sent: it may cost money
        endpoint = self.endpoint

        def answered(client: Any, request: Request) -> Response:
            answer = self._ask(client, request)
            try:
                return self._read(request, answer)
            except (AttributeError, TypeError, IndexError, ValueError) as error:
                raise endpoint.garbled(f"{request.id!r}: {error}") from error

        for _, response in endpoint.ask_all(answered, requests):
            yield response

    def identity(self) -> dict[str, str]:
        """Address, model and API, as they enter the key of what this engine answers."""
        own = self.config
        return {"engine": self.name, "base_url": own.base_url, "model": own.model, "api": own.api}

    def _encoded(self, request: ScoreText) -> Encoded:
        return self.encoder.encode(request.prompt, request.completion, request.id)

    def _ask(self, client: Any, request: Request) -> Any:
        """Send one request."""
        match request:
            case ScoreText():
                return self._ask_likelihood(client, request)
            case Generate():
                return self._ask_texts(client, request)
            case _:
                raise unknown_kind(self.name, request)

    def _read(self, request: Request, answer: Any) -> Response:
        """Read the endpoint's answer to a request."""
        self._check_who_answers(answer.model)
        match request:
            case ScoreText():
                return _likelihood(request, self._encoded(request), answer)
            case Generate():
                return self._texts(request, answer)
            case _:
                raise unknown_kind(self.name, request)

    def _check_who_answers(self, model: str | None) -> None:
        """Refuse another model's answer; a dated version of the one asked for is the same."""
        own = self.config.model
        if model and not str(model).startswith(own):
            raise UserError(
                f"engine openai: {own} was asked for and {self.endpoint.plain(str(model))} "
                "answers; openai.model must be the name of what answers"
            )

    def _ask_likelihood(self, client: Any, request: ScoreText) -> Any:
        text = self._encoded(request)
        return client.completions.create(
            model=self.config.model,
            prompt=[*text.prompt_ids, *text.completion_ids],
            echo=True,
            logprobs=1,
            max_tokens=1,  # 0 is an error at some endpoints; `_likelihood` drops the token
            temperature=0.0,
        )

    def _ask_texts(self, client: Any, request: Generate) -> Any:
        sampling = {
            "model": self.config.model,
            "temperature": request.temperature,
            "n": request.n if request.temperature > 0 else 1,  # greedy: all n are the same
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

    def _texts(self, request: Generate, answer: Any) -> Generated:
        chat = self.config.api == "chat"
        texts: list[Any] = []
        ended: list[bool] = []
        for choice in sorted(answer.choices, key=lambda choice: choice.index):
            texts.append(choice.message.content if chat else choice.text)
            ended.append(choice.finish_reason == "stop")
        if request.temperature == 0:  # all n are the same
            texts, ended = texts * request.n, ended * request.n
        if len(texts) != request.n or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{request.n} texts were asked for, got {texts!r}")
        stripped = tuple(self.endpoint.hide(text.strip()) for text in texts)
        return Generated(request.id, texts=stripped, finished=tuple(ended))


def _likelihood(request: ScoreText, text: Encoded, answer: Any) -> TextScore:
    """Read the completion's log-probabilities: the end of the echoed text, before the token
    sampled."""
    given = answer.choices[0].logprobs
    if given is None or not given.token_logprobs or len(given.token_logprobs) <= 1:
        raise UserError(
            "engine openai: the endpoint gives no log-probabilities of a prompt (completions with "
            "echo and logprobs), which this benchmark needs; vLLM's server does, and --engine hf "
            "or vllm do without an endpoint"
        )
    found = len(given.token_logprobs)
    if found not in (len(text), len(text) + 1):
        raise UserError(
            f"engine openai: {request.id!r} has {len(text)} tokens, but the endpoint gives the "
            f"log-probabilities of {found}: it reads the text with another tokenizer than the "
            "run's model"
        )
    part = slice(len(text.prompt_ids), len(text))
    logps = tuple(math.nan if x is None else float(x) for x in given.token_logprobs[part])
    best = [max(top.values()) if top else math.nan for top in given.top_logprobs[part]]
    greedy = tuple(x >= most for x, most in zip(logps, best, strict=True))
    return TextScore(request.id, token_logps=logps, greedy=greedy, tokens=text.completion_ids)


@hookimpl
def suite_engines() -> list[type[Engine]]:
    """Register the engine."""
    return [OpenAIEngine]
