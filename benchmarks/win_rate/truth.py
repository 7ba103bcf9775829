"""The ground truth of generated questions: how much of the true answer an answer tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suite import Json, Message, Reward, digest
from suite.metrics import rougeL_recall

from ..pairs.data import prompt_text


class Truth(Reward):
    """ROUGE-L recall of the true answer, in [0, 1]."""

    def __init__(self, answers: Mapping[tuple[Message, ...], str]) -> None:
        self.answers = answers

    def score(
        self, prompts: Sequence[tuple[Message, ...]], continuations: Sequence[str]
    ) -> list[float]:
        """One number for each continuation. KeyError: a prompt without a known answer."""
        found: list[float] = []
        for prompt, text in zip(prompts, continuations, strict=True):
            found.append(rougeL_recall(text, self.answers[prompt]) or 0.0)
        return found

    def identity(self) -> dict[str, Json]:
        """The answers decide."""
        known = sorted([prompt_text(prompt), answer] for prompt, answer in self.answers.items())
        return {"reward": "truth", "answers": digest(known)}
