"""The responses to one item, and the numbers of memorisation that are read from them.

answers = Answers("forget/12", responses)
answers.mean_logp("answer")           of the response forget/12/answer
answers.recall("generation", "Ann.")  ROUGE-L recall of the text forget/12/generation
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from suite import Generated, ItemScore, Response, TextScore, metrics

MAX_NEW_TOKENS = 200
"""Longest greedy answer, in tokens (TOFU)."""


class MissingError(Exception):
    """A number that cannot be had from the responses; the text says why."""


class Answers:
    """The responses to one item of a set.

    Every method raises MissingError where its number cannot be had.
    """

    def __init__(self, id: str, responses: Mapping[str, Response]) -> None:
        self.id = id
        self._responses = responses

    def mean_logp(self, name: str) -> float:
        """Log-probability per token of a text, its end-of-sequence token included, nats."""
        return metrics.mean_logp(self.scored(name).token_logps)

    def recall(self, name: str, reference: str) -> float:
        """ROUGE-L recall of a generated text."""
        response = self._response(name)
        if not isinstance(response, Generated) or not response.texts:
            raise MissingError(f"{name}: no text")
        recall = metrics.rougeL_recall(response.texts[0], reference)
        if recall is None:
            raise MissingError("the answer has no word that ROUGE counts")
        return recall

    def greedy(self, name: str) -> tuple[bool, ...]:
        """Whether each of a text's own tokens was the most likely one.

        Every completion ends in the end-of-sequence token, which open-unlearning drops here (and
        here only: probabilities and truth ratios count it).
        """
        greedy = self.scored(name).greedy[:-1]
        if not greedy:
            raise MissingError(f"{name}: no token before the end of the sequence")
        return greedy

    def scored(self, name: str) -> TextScore:
        """The response to a request for a log-likelihood, complete and finite."""
        response = self._response(name)
        if not isinstance(response, TextScore):
            raise MissingError(f"{name}: no log-probabilities")
        logps = response.token_logps
        if not logps or len(response.greedy) != len(logps):
            raise MissingError(
                f"{name}: {len(logps)} log-probabilities, {len(response.greedy)} greedy flags"
            )
        if bad := sum(not math.isfinite(logp) for logp in logps):
            raise MissingError(f"{name}: {bad} of {len(logps)} log-probabilities not finite")
        return response

    def _response(self, name: str) -> Response:
        if (response := self._responses.get(f"{self.id}/{name}")) is None:
            raise MissingError(f"{name}: no response")
        return response


def recall_note(texts: Iterable[str]) -> list[str]:
    """A note on what ROUGE counts in these texts beside English words; none where it is nothing."""
    also = metrics.rouge_words(texts)
    if also is None:
        return []
    return [f"rougeL_recall counts, beside rouge_score's words of a-z and 0-9, {also}"]


def item_score(
    metric: str, set_name: str, id: str, cluster: str, number: Callable[[], float]
) -> ItemScore:
    """One metric of one item.

    Without a value, and with the reason, where `number` raises MissingError.
    """
    try:
        return ItemScore(metric, set_name, id, cluster, number())
    except MissingError as reason:
        return ItemScore(metric, set_name, id, cluster, None, str(reason))
