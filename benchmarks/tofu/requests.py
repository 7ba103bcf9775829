"""What is asked about one item of an evaluation set, and the numbers read from the responses.

{"id": "forget/12", "cluster": "author/198", "question": ..., "answer": ...,
 "perturbed_answer": [...], "paraphrased_answer": ... (on forget and retain)}
-> forget/12/answer, forget/12/paraphrased, forget/12/perturbed/0, ..., forget/12/generation
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite import Generate, Message, Request, Response, ScoreText, metrics

from ..memorisation.answers import MAX_NEW_TOKENS, Answers


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


class TofuAnswers(Answers):
    """The responses to one item of a set, as TOFU's metrics read them."""

    def __init__(
        self, name: str, item: Mapping[str, Any], responses: Mapping[str, Response]
    ) -> None:
        super().__init__(item["id"], responses)
        self.set = name
        self.item = item

    def answer_probability(self) -> float:
        """exp(mean log-probability) of the answer.

        For items without a paraphrase normalised over the options.
        """
        answer = self.scored("answer").token_logps
        if "paraphrased_answer" in self.item:
            return metrics.answer_probability(answer)
        return metrics.normalised_probability(metrics.mean_logp(answer), self._wrongs())

    def log_truth_ratio(self) -> float:
        """ln TR; the correct answer is the paraphrased one where there is one."""
        name = "paraphrased" if "paraphrased_answer" in self.item else "answer"
        return metrics.log_truth_ratio(self.mean_logp(name), self._wrongs())

    def truth_ratio(self) -> float:
        """What the set averages: min(TR, 1/TR) on the forget set, max(0, 1 - TR) on the others."""
        term = metrics.closeness_to_one if self.set == "forget" else metrics.truth_margin
        return term(self.log_truth_ratio())

    def rougeL_recall(self) -> float:
        """ROUGE-L recall of the greedy answer."""
        return self.recall("generation", self.item["answer"])

    def extraction_strength(self) -> float:
        """Extraction strength of the answer, its end-of-sequence token left out."""
        return metrics.extraction_strength(self.greedy("answer"))

    def exact_memorization(self) -> float:
        """Exact memorization of the answer, its end-of-sequence token left out."""
        return metrics.exact_memorization(self.greedy("answer"))

    def _wrongs(self) -> list[float]:
        """Mean log-probability of every wrong answer."""
        wrongs = range(len(self.item["perturbed_answer"]))
        return [self.mean_logp(f"perturbed/{number}") for number in wrongs]
