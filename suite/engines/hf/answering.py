"""From requests to responses with one loaded model.

plan -> read a chunk of prompts -> score a batch of answers -> likelihoods are done
                                                            -> accepted guesses enter the decoder
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from suite.api.requests import Request, Response
from suite.core.errors import UserError
from suite.engines.hf.decode import Decoder, Text
from suite.engines.hf.scoring import Scored, Scorer
from suite.engines.hf.sharing import Prompt, common_prefix, families, pack, plan
from suite.model.encoding import Encoder

ROOM = 4
"""Batches' worth of tokens that are decoded together: a step reads all weights, so many rows should share it."""


class Answering:
    """Answers the requests of one `Engine.stream`."""

    def __init__(
        self,
        model: Any,
        encoder: Encoder,
        precision: Callable[[], AbstractContextManager[Any]],
        eos_ids: frozenset[int],
        context: int,
    ) -> None:
        self.model, self.precision = model, precision
        self.encoder, self.eos_ids, self.context = encoder, eos_ids, context
        self.decoder = Decoder(model, precision)
        self._copies: dict[str, list[Text]] = {}

    def stream(self, requests: Sequence[Request], budget: int) -> Iterator[Response]:
        """Answer every request once, in batches of `budget` tokens; computes only as far as it is read."""
        for family in families(plan(requests, self.encoder)):
            for scored in self._scored(family, budget):
                yield from _likelihoods(scored)
                yield from self._responses(self._generated(scored, budget))
        yield from self._responses(self.decoder.run(0))

    def _scored(self, prompts: list[Prompt], budget: int) -> Iterator[Scored]:
        prefix = common_prefix(prompts)
        scorer = Scorer(self.model, self.precision, prefix)
        for chunk in pack(
            prompts, lambda prompt: len(prompt.ids) - len(prefix), budget, len(prefix)
        ):
            read = scorer.read(chunk)
            answers = [answer for prompt in chunk for answer in prompt.answers.values()]
            for batch in pack(answers, lambda answer: len(answer.ids), budget, read.rows.width):
                yield scorer.score(read, batch)

    def _generated(self, scored: Scored, budget: int) -> Iterator[Text]:
        """Texts that the guess has completed, and those that end while the others enter the decoder."""
        texts = [(i, text) for i in range(len(scored.answers)) for text in self._texts(scored, i)]
        yield from (text for _, text in texts if text.done)
        going = [(i, text) for i, text in texts if not text.done]
        size = max(1, budget // scored.rows.width)
        for part in (going[start : start + size] for start in range(0, len(going), size)):
            rows, states = scored.cut([i for i, _ in part], [len(text.ids) for _, text in part])
            self.decoder.admit([text for _, text in part], rows, states)
            yield from self.decoder.run(ROOM * budget)

    def _texts(self, scored: Scored, i: int) -> Iterator[Text]:
        answer = scored.answers[i]
        for request in answer.wanted:
            limit = min(request.max_new_tokens, self.context - len(answer.prompt.ids))
            if limit < 1:
                raise UserError(
                    f"{request.id!r}: its prompt fills the context of {self.context} tokens"
                )
            for copy in range(request.n if request.temperature > 0 else 1):
                text = Text(request, limit, self.eos_ids, copy)
                text.accept(answer.ids, scored.greedy[i])
                yield text

    def _responses(self, texts: Iterator[Text]) -> Iterator[Response]:
        """Responses of the requests whose last text these are."""
        for text in texts:
            request = text.request
            copies = self._copies.setdefault(request.id, [])
            copies.append(text)
            if request.temperature == 0:  # all n are the same
                copies.extend([text] * (request.n - 1))
            if len(copies) == request.n:
                copies.sort(key=lambda t: t.copy)
                texts_of = tuple(self.encoder.decode(t.ids) for t in copies)
                sampled = tuple(tuple(t.ids) for t in copies) if request.temperature > 0 else ()
                yield Response(
                    request.id,
                    texts=texts_of,
                    finished=tuple(t.ended for t in copies),
                    sampled=sampled,
                )
                del self._copies[request.id]


def _likelihoods(scored: Scored) -> Iterator[Response]:
    for answer, logps, greedy in zip(
        scored.answers, scored.token_logps, scored.greedy, strict=True
    ):
        for request in answer.scored:
            yield Response(
                request.id, token_logps=tuple(logps), greedy=tuple(greedy), tokens=answer.ids
            )
