"""The answer with the larger reward wins: by the benchmark's ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suite import hookimpl
from suite.errors import UserError
from suite.judges import Comparison, Judge, Verdict
from suite.judges.length import by_value
from suite.rewards import Reward
from suite.store import Json

CHUNK = 64
"""Comparisons scored together, between two verdicts that are kept."""


@dataclass(frozen=True)
class RewardConfig:
    """No settings."""


class RewardJudge(Judge[RewardConfig]):
    """The answer with the larger reward wins, by the benchmark's ground truth."""

    name = "reward"
    Config = RewardConfig

    @property
    def reward(self) -> Reward:
        """The ground truth. UserError if the benchmark has none."""
        if self.truth is None:
            raise UserError("judge 'reward': the benchmark has no ground truth; choose another judge with --judge")
        return self.truth

    def identity(self) -> dict[str, Json]:
        """The reward decides."""
        return {"reward": self.reward.identity(), "source": self.lab.registry.source_digest(type(self.reward))}

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Score both answers."""
        for start in range(0, len(comparisons), CHUNK):
            chunk = comparisons[start : start + CHUNK]
            prompts = [each.prompt for each in chunk]
            first = self.reward.score(prompts, [each.first for each in chunk])
            second = self.reward.score(prompts, [each.second for each in chunk])
            yield from map(by_value, chunk, first, second)

    def describe(self) -> str:
        """Name the reward."""
        return f"reward ({type(self.reward).__name__})"


@hookimpl
def suite_judges() -> list[type[Judge[Any]]]:
    """Register the judge."""
    return [RewardJudge]
