"""What is asked about an item, and the numbers read from the responses.

    {"id": "forget/q1", "cluster": "forget/Ann", "entry": ..., "paraphrase": [...], "alternate": []}
    -> forget/q1/answer/0, forget/q1/paraphrase/0, forget/q1/alternate/0, ..., forget/q1/generation

A plain text is one item: its windows are answer/0, answer/1, ...; they share no token, so a text
counts once. It goes on behind a window, so the end-of-sequence token is not scored there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from suite import Generate, Request, Response, ScoreText, TextScore, metrics

from ..memorisation.answers import MAX_NEW_TOKENS, Answers, MissingError
from .rows import Entry
from .windows import Piece

Item = Mapping[str, Any]


def item_of(set_name: str, entry: Entry, **answers: Sequence[Piece]) -> Item:
    """An item of an evaluation set; `answers`: other answers to its prompt."""
    return {
        "id": f"{set_name}/{entry.id}",
        "cluster": f"{set_name}/{entry.cluster}",
        "entry": entry,
        **{name: list(pieces) for name, pieces in answers.items()},
    }


def item_requests(item: Item, *, continued: bool, window: int) -> list[Request]:
    """A log-likelihood for each known text; a greedy continuation where it is `continued`.

    Of a plain text the first window is continued.
    """
    entry: Entry = item["entry"]
    scored = {"answer": entry.pieces}
    scored |= {name: item[name] for name in ("paraphrase", "alternate") if name in item}
    asked: list[Request] = []
    for name, pieces in scored.items():
        for number, piece in enumerate(pieces):
            id = f"{item['id']}/{name}/{number}"
            asked.append(ScoreText(id, piece.prompt, piece.completion))
    if continued:
        first = entry.pieces[0]
        longest = window if entry.is_text else MAX_NEW_TOKENS
        # An engine may try the known answer as a draft; what it generates stays the same.
        id = f"{item['id']}/generation"
        asked.append(Generate(id, first.prompt, first.completion, longest))
    return asked


class ItemAnswers(Answers):
    """The responses to one item; a method raises MissingError where its number cannot be had."""

    def __init__(self, item: Item, responses: Mapping[str, Response]) -> None:
        super().__init__(item["id"], responses)
        self.item = item
        self.entry: Entry = item["entry"]

    def token_loss(self) -> float:
        """Minus the mean log-probability per token, nats."""
        return -fmean(self._logps())

    def tokens(self) -> float:
        """How many tokens `token_loss` is a mean over."""
        return float(len(self._logps()))

    def answer_probability(self) -> float:
        """exp(mean log-probability) of the completion, or of all windows of a text."""
        return metrics.answer_probability(self._logps())

    def rougeL_recall(self) -> float:
        """ROUGE-L recall of the greedy continuation."""
        return self.recall("generation", self.entry.pieces[0].completion)

    def exact_memorization(self) -> float:
        """Share of the tokens that were the most likely ones."""
        return metrics.exact_memorization([flag for window in self._greedy() for flag in window])

    def extraction_strength(self) -> float:
        """Extraction strength, of a text the mean over its windows, weighted by their tokens."""
        windows = self._greedy()
        known = [len(window) * metrics.extraction_strength(window) for window in windows]
        return math.fsum(known) / sum(map(len, windows))

    def log_truth_ratio(self) -> float:
        """ln TR; the right answer is the first paraphrase where there is one."""
        right = "paraphrase/0" if "paraphrase" in self.item else "answer/0"
        wrong = range(len(self.item["alternate"]))
        wrongs = [self.mean_logp(f"alternate/{number}") for number in wrong]
        return metrics.log_truth_ratio(self.mean_logp(right), wrongs)

    def truth_ratio(self) -> float:
        """min(TR, 1/TR)."""
        return metrics.closeness_to_one(self.log_truth_ratio())

    def _greedy(self) -> list[tuple[bool, ...]]:
        return [self.greedy(f"answer/{number}") for number in range(len(self.entry.pieces))]

    def _logps(self) -> list[float]:
        """The log-probabilities of all scored tokens."""
        logps: list[float] = []
        for number in range(len(self.entry.pieces)):
            logps += self._own(self.scored(f"answer/{number}"))
        if not logps:
            raise MissingError("answer: no token before the end of the sequence")
        return logps

    def _own(self, response: TextScore) -> tuple[float, ...]:
        return response.token_logps[:-1] if self.entry.is_text else response.token_logps
