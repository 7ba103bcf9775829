"""Rewards: how good a continuation is, as a number. Texts in, floats out.

    class Lexicon(Reward):                                # a benchmark's ground truth
        def score(self, prompts, continuations): ...
        def identity(self): return {"reward": "lexicon", "words": digest(WORDS)}

    class Sentiment(TextBenchmark[...]):
        def reward(self, data): return Lexicon()   # for ppo_gt, and who else needs "ground_truth"

A method says what it needs by `needs_reward`: "ground_truth" is the benchmark's, "model" a reward
model trained on the benchmark's pairs (once, shared by all methods that need it).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from suite.api.data import Encoded, Message
from suite.store import Json

Prompt = tuple[Message, ...]
Rewarder = Callable[[Sequence[Encoded]], list[float]]
"""A reward of tokenised texts: what a training step sees."""


class Reward(ABC):
    """Judges continuations. Making one is cheap; what is slow (reading a classifier) waits for the
    first `score`."""

    @abstractmethod
    def score(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[float]:
        """One finite number for each continuation of the prompt in the same place; higher is
        better."""

    @abstractmethod
    def identity(self) -> dict[str, Json]:
        """What determines the numbers (names, settings, digests of data), as it enters keys.

        The source of the class's module enters them by itself.
        """
