"""From requests to responses with one loaded model.

plan -> read a chunk of prompts -> score a batch of answers -> likelihoods are done
                                                            -> accepted guesses enter the decoder
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from suite.api.requests import Generate, Generated, Request, Response, TextScore
from suite.core.errors import UserError
from suite.engines.hf.decode import Decoder, Text
from suite.engines.hf.scoring import Scored, Scorer
from suite.engines.hf.sharing import Answer, Prompt, common_prefix, families, pack, plan
from suite.model.encoding import Encoder, unknown_ids
from suite.model.logprobs import head_of

ROOM = 4
"""So many batches' worth of tokens are decoded together: each step reads all weights, so it should
serve many rows."""


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
        unknown = unknown_ids(encoder.tokenizer, head_of(model).vocabulary)
        self.decoder = Decoder(model, precision, unknown)
        self._copies: dict[str, list[Text]] = {}  # finished texts of requests that wait for others

    def stream(self, requests: Sequence[Request], budget: int) -> Iterator[Response]:
        """Answer every request once, in batches of `budget` tokens; a lazy stream."""
        for family in families(plan(requests, self.encoder)):
            for scored in self._scored(family, budget):
                yield from _likelihoods(scored)
                yield from self._responses(self._generated(scored, budget))
        yield from self._responses(self.decoder.run(0))

    def _scored(self, prompts: list[Prompt], budget: int) -> Iterator[Scored]:
        """Read the prompts of one family chunk by chunk, and score the answers to them."""
        prefix = common_prefix(prompts)
        scorer = Scorer(self.model, self.precision, prefix)
        skipped = len(prefix)
        for chunk in pack(prompts, lambda prompt: len(prompt.ids) - skipped, budget, skipped):
            read = scorer.read(chunk)
            answers: list[Answer] = []
            for prompt in chunk:
                answers += prompt.answers.values()
            for batch in pack(answers, lambda answer: len(answer.ids), budget, read.rows.width):
                yield scorer.score(read, batch)

    def _generated(self, scored: Scored, budget: int) -> Iterator[Text]:
        """Yield texts that a guess has completed, and texts that end while others are decoded."""
        index: list[int] = []  # of each text that goes on, the row of its answer
        going: list[Text] = []
        for row in range(len(scored.answers)):
            for text in self._texts(scored, row):
                if text.done:
                    yield text
                else:
                    index.append(row)
                    going.append(text)
        # `cut` copies rows of the full width, so no more at once than the budget allows.
        size = max(1, budget // scored.rows.width)
        for start in range(0, len(going), size):
            texts = going[start : start + size]
            accepted = [len(text.ids) for text in texts]
            rows, states = scored.cut(index[start : start + size], accepted)
            self.decoder.admit(texts, rows, states)
            yield from self.decoder.run(ROOM * budget)

    def _texts(self, scored: Scored, i: int) -> Iterator[Text]:
        """Begin the texts of answer `i`, each with the tokens that greedy decoding agrees with."""
        answer = scored.answers[i]
        for request in answer.wanted:
            limit = min(request.max_new_tokens, self.context - len(answer.prompt.ids))
            if limit < 1:
                raise UserError(
                    f"{request.id!r}: its prompt fills the context of {self.context} tokens"
                )
            copies = request.n if request.temperature > 0 else 1  # greedy: all n are the same
            for copy in range(copies):
                text = Text(request, limit, self.eos_ids, copy)
                text.accept(answer.ids, scored.greedy[i])
                yield text

    def _responses(self, texts: Iterator[Text]) -> Iterator[Generated]:
        """Yield the response of each request as soon as its last text is there."""
        for text in texts:
            request = text.request
            copies = self._copies.setdefault(request.id, [])
            copies.append(text)
            if request.temperature == 0:  # all n are the same
                copies.extend([text] * (request.n - 1))
            if len(copies) == request.n:
                del self._copies[request.id]
                yield self._generation(request, copies)

    def _generation(self, request: Generate, copies: list[Text]) -> Generated:
        """Make the response of a generate request from its n texts, ordered by their number."""
        copies.sort(key=lambda text: text.copy)
        texts = tuple(self.encoder.decode(text.ids) for text in copies)
        finished = tuple(text.ended for text in copies)
        sampled: tuple[tuple[int, ...], ...] = ()
        if request.temperature > 0:
            sampled = tuple(tuple(text.ids) for text in copies)
        return Generated(request.id, texts=texts, finished=finished, sampled=sampled)


def _likelihoods(scored: Scored) -> Iterator[TextScore]:
    """Yield the responses of all likelihood requests that these answers belong to."""
    columns = zip(scored.answers, scored.token_logps, scored.greedy, strict=True)
    for answer, token_logps, greedy in columns:
        for request in answer.scored:
            yield TextScore(
                request.id,
                token_logps=tuple(token_logps),
                greedy=tuple(greedy),
                tokens=answer.ids,
            )
