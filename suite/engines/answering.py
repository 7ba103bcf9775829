"""From requests to responses with one loaded model.

plan -> read a chunk of prompts -> score a batch of answers -> likelihoods are done
                                                            -> accepted guesses enter the decoder
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from suite.benchmark import Request, Response
from suite.engines.decode import Decoder, Text
from suite.engines.scoring import Scored, Scorer
from suite.engines.sharing import common_prefix, pack, plan
from suite.errors import UserError
from suite.texts import Encoder


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
        self.encoder, self.eos_ids, self.context = encoder, eos_ids, context
        self.scorer, self.decoder = Scorer(model, precision), Decoder(model, precision)
        self._copies: dict[str, list[Text]] = {}

    def stream(self, requests: Sequence[Request], batch_tokens: int) -> Iterator[Response]:
        """Answer every request once. A generator: it computes only as far as it is read."""
        prompts = plan(requests, self.encoder)
        prefix = common_prefix(prompts) if prompts else ()
        for chunk in pack(prompts, lambda prompt: len(prompt.ids) - len(prefix), batch_tokens, len(prefix)):
            read = self.scorer.read(chunk, prefix)
            answers = [answer for prompt in chunk for answer in prompt.answers.values()]
            for batch in pack(answers, lambda answer: len(answer.ids), batch_tokens, read.rows.width):
                scored = self.scorer.score(read, batch)
                yield from _likelihoods(scored)
                yield from self._responses(self._start(scored))
                yield from self._responses(self.decoder.run(batch_tokens))
        yield from self._responses(self.decoder.run(0))

    def _start(self, scored: Scored) -> list[Text]:
        """Pass generate requests to the decoder; return the texts that the guess has completed already."""
        texts = [(i, text) for i in range(len(scored.answers)) for text in self._texts(scored, i)]
        going = [(i, text) for i, text in texts if not text.done]
        if going:
            rows, states = scored.cut([i for i, _ in going], [len(text.ids) for _, text in going])
            self.decoder.admit([text for _, text in going], rows, states)
        return [text for _, text in texts if text.done]

    def _texts(self, scored: Scored, i: int) -> Iterator[Text]:
        answer = scored.answers[i]
        for request in answer.wanted:
            limit = min(request.max_new_tokens, self.context - len(answer.prompt.ids))
            if limit < 1:
                raise UserError(f"{request.id!r}: its prompt fills the context of {self.context} tokens")
            for copy in range(request.n if request.temperature > 0 else 1):
                text = Text(request, limit, self.eos_ids, copy)
                text.accept(answer.ids, scored.greedy[i])
                yield text

    def _responses(self, texts: Iterator[Text] | Sequence[Text]) -> Iterator[Response]:
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
                yield Response(request.id, texts=texts_of, finished=tuple(t.ended for t in copies))
                del self._copies[request.id]


def _likelihoods(scored: Scored) -> Iterator[Response]:
    for answer, logps, greedy in zip(scored.answers, scored.token_logps, scored.greedy, strict=True):
        for request in answer.scored:
            yield Response(request.id, token_logps=tuple(logps), greedy=tuple(greedy))
