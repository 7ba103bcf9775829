"""Few-shot prompting: facts about other authors of the forget set stand before each question, as
earlier turns of the conversation.

    user       question about another author
    assistant  its answer
    ...
    user       the forget question

A model that was merely taught to refuse such questions may go on answering them. The examples are
drawn from a part of the forget set that shares no author (cluster) with the tested part (Lynch et
al., arXiv 2402.16835, prompt in context too).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite import Attack, BenchmarkData, Message, Request, Row, Target, UserError, hookimpl
from suite.ranges import Count, Fraction, Index

from .split import Split


@dataclass(frozen=True)
class FewShotConfig:
    """How many examples, and from where."""

    shots: Count = 5
    """Examples before each question."""
    share: Fraction = 0.5
    """Share of the forget clusters that examples are drawn from; the others are asked about."""
    seed: Index = 0
    """Draws other clusters and examples."""


class FewShotAttack(Attack[FewShotConfig]):
    """Answers to other forget questions stand before each question."""

    name = "few_shot"
    Config = FewShotConfig

    @property
    def _split(self) -> Split:
        return Split("clusters", self.config.share, self.config.seed)

    def check(self, target: Target) -> None:
        """Refuse a forget set with too few examples."""
        self._split.check(target, "attack 'few_shot'")
        there = len(self._split.learnt(target))
        if there < self.config.shots:
            raise UserError(
                f"attack 'few_shot': shots is {self.config.shots}, but there are {there} examples"
            )

    def tested(self, target: Target) -> BenchmarkData:
        """The items of the other clusters."""
        return self._split.tested(target)

    def requests(self, target: Target) -> Sequence[Request]:
        """Every forget question behind its examples; what else is asked stays."""
        examples = self._split.learnt(target)
        about = {request.id for _, request in target.about_items()}
        asked: list[Request] = []
        for request in target.requests:
            if request.id in about:
                turns = self._turns(examples, request.prompt)
                request = replace(request, prompt=(*turns, *request.prompt))
            asked.append(request)
        return asked

    def _turns(self, examples: Sequence[Row], prompt: tuple[Message, ...]) -> list[Message]:
        """The examples of one prompt: the same for all that is asked behind it."""
        draw = random.Random(f"{self.config.seed}/{prompt!r}")
        turns: list[Message] = []
        for row in draw.sample(examples, self.config.shots):
            turns += [*row.prompt, Message("assistant", row.completion)]
        return turns


@hookimpl
def suite_attacks() -> list[type[Attack[Any]]]:
    """Register the attack."""
    return [FewShotAttack]
