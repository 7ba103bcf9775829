"""What is asked about one item of an evaluation set, and the numbers read from the responses.

{"id": "forget/12", "cluster": "author/198", "question": ..., "answer": ...,
 "perturbed_answer": [...], "paraphrased_answer": ... (on forget and retain)}
-> forget/12/answer, forget/12/paraphrased, forget/12/perturbed/0, ..., forget/12/generation
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from suite import (
    Generate,
    Generated,
    Message,
    Request,
    Response,
    ScoreText,
    TextScore,
    metrics,
)

MAX_NEW_TOKENS = 200
"""Longest greedy answer, in tokens (TOFU)."""


class MissingError(Exception):
    """A number that cannot be had from the responses; the text says why."""


def item_requests(item: Mapping[str, Any]) -> list[Request]:
    """One log-likelihood for each known answer, and a greedy generation.

    The prompt is the bare question.
    """
    prompt = (Message("user", item["question"]),)
    texts = {"answer": item["answer"]}
    if "paraphrased_answer" in item:
        texts["paraphrased"] = item["paraphrased_answer"]
    for number, text in enumerate(item["perturbed_answer"]):
        texts[f"perturbed/{number}"] = text
    asked: list[Request] = []
    for name, text in texts.items():
        asked.append(ScoreText(f"{item['id']}/{name}", prompt, text))
    # An engine may try the known answer as a draft; what it generates stays the same.
    guess = Generate(f"{item['id']}/generation", prompt, item["answer"], MAX_NEW_TOKENS)
    return [*asked, guess]


class Answers:
    """The responses to one item of a set.

    Every method raises MissingError where its number cannot be had.
    """

    def __init__(
        self, name: str, item: Mapping[str, Any], responses: Mapping[str, Response]
    ) -> None:
        self.set = name
        self.item = item
        self._responses = responses

    def answer_probability(self) -> float:
        """exp(mean log-probability) of the answer.

        For items without a paraphrase normalised over the options.
        """
        answer = self._scored("answer").token_logps
        if "paraphrased_answer" in self.item:
            return metrics.answer_probability(answer)
        return metrics.normalised_probability(metrics.mean_logp(answer), self._wrongs())

    def log_truth_ratio(self) -> float:
        """ln TR; the correct answer is the paraphrased one where there is one."""
        name = "paraphrased" if "paraphrased_answer" in self.item else "answer"
        correct = metrics.mean_logp(self._scored(name).token_logps)
        return metrics.log_truth_ratio(correct, self._wrongs())

    def truth_ratio(self) -> float:
        """What the set averages: min(TR, 1/TR) on the forget set, max(0, 1 - TR) on the others."""
        term = metrics.closeness_to_one if self.set == "forget" else metrics.truth_margin
        return term(self.log_truth_ratio())

    def rougeL_recall(self) -> float:
        """ROUGE-L recall of the greedy answer."""
        response = self._response("generation")
        if not isinstance(response, Generated) or not response.texts:
            raise MissingError("generation: no text")
        recall = metrics.rougeL_recall(response.texts[0], self.item["answer"])
        if recall is None:
            raise MissingError("the answer has no word that ROUGE counts")
        return recall

    def extraction_strength(self) -> float:
        """Extraction strength of the answer, its end-of-sequence token left out."""
        return metrics.extraction_strength(self._greedy())

    def exact_memorization(self) -> float:
        """Exact memorization of the answer, its end-of-sequence token left out."""
        return metrics.exact_memorization(self._greedy())

    def _greedy(self) -> tuple[bool, ...]:
        """Whether each of the answer's own tokens was the most likely one.

        Every completion ends in the end-of-sequence token, which open-unlearning drops here (and
        here only: probabilities and truth ratios count it).
        """
        greedy = self._scored("answer").greedy[:-1]
        if not greedy:
            raise MissingError("answer: no token before the end of the sequence")
        return greedy

    def _wrongs(self) -> list[float]:
        """Mean log-probability of every wrong answer."""
        means: list[float] = []
        for number in range(len(self.item["perturbed_answer"])):
            logps = self._scored(f"perturbed/{number}").token_logps
            means.append(metrics.mean_logp(logps))
        return means

    def _scored(self, name: str) -> TextScore:
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
        if (response := self._responses.get(f"{self.item['id']}/{name}")) is None:
            raise MissingError(f"{name}: no response")
        return response
