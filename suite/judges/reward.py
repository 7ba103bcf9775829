"""The answer with the larger reward wins.

The reward is the benchmark's ground truth, or a reward model that is trained on its pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from suite import hookimpl
from suite.api.judge import Comparison, Judge, RewardModel, Rewards, Verdict
from suite.api.reward import Prompt, Reward
from suite.api.stages import Host
from suite.core.errors import UserError
from suite.judges.length import by_value
from suite.store import Json, Stage

CHUNK = 64
"""Comparisons scored together, between two verdicts that are kept."""


@dataclass(frozen=True)
class RewardConfig:
    """Settings of the judge."""

    by: Literal["ground_truth", "model"] = "ground_truth"
    """ground_truth: the benchmark's own reward. model: a reward model that is trained on its pairs,
    the one that ppo and others use."""


class RewardJudge(Judge[RewardConfig]):
    """The answer with the larger reward wins: by the ground truth, or by a trained reward model."""

    name = "reward"
    Config = RewardConfig

    def __init__(self, config: RewardConfig, context: Host, rewards: Rewards | None = None) -> None:
        super().__init__(config, context, rewards)
        self._opened: Reward | None = None
        # Each answer is shown in both orders, the rival's beside every candidate.
        self._rewards_of: dict[tuple[Prompt, str], float] = {}

    @cached_property
    def _model(self) -> RewardModel:
        if self.rewards.model is None:
            raise UserError("judge 'reward': the benchmark has no pairs to train a reward model on")
        return self.rewards.model()

    @property
    def truth(self) -> Reward:
        """The ground truth. UserError if the benchmark has none."""
        if self.rewards.truth is None:
            raise UserError(
                "judge 'reward': the benchmark has no ground truth; "
                "--set judge_reward.by=model trains a reward model"
            )
        return self.rewards.truth

    def identity(self) -> dict[str, Json]:
        """The reward decides; its model is known by the key of the stage that trains it."""
        if self.config.by == "model":
            return {"model": self._model.stage.key, "epoch": self._model.epoch}
        return {
            "reward": self.truth.identity(),
            "source": self.context.source_digest(type(self.truth)),
        }

    def inputs(self) -> Mapping[str, Stage]:
        """The reward model."""
        return {"model": self._model.stage} if self.config.by == "model" else {}

    def open(self, folders: Mapping[str, Path]) -> None:
        """Keep the reward at hand, for all candidates."""
        if self._opened is not None:
            return
        if self.config.by == "ground_truth":
            self._opened = self.truth
        else:
            self._opened = self._trained(folders["model"])

    def _trained(self, stage: Path) -> Reward:
        from suite.model.folder import load_encoder
        from suite.model.reward_model import ModelReward

        folder = self._model.folder(stage)
        config = self.context.config
        encoder = load_encoder(folder, config.template, config.train.max_length)
        return ModelReward(folder, encoder, self.context.device, self.context.dtype)

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Score both answers, each answer once."""
        for start in range(0, len(comparisons), CHUNK):
            chunk = comparisons[start : start + CHUNK]
            answers: list[tuple[Prompt, str]] = []
            for each in chunk:
                answers += [(each.prompt, each.first), (each.prompt, each.second)]
            self._score(answers)
            for each in chunk:
                first = self._rewards_of[each.prompt, each.first]
                second = self._rewards_of[each.prompt, each.second]
                yield by_value(each, first, second)

    def _score(self, answers: Sequence[tuple[Prompt, str]]) -> None:
        """Compute the rewards of those answers that have none yet."""
        assert self._opened is not None, "open comes first"
        new = [answer for answer in dict.fromkeys(answers) if answer not in self._rewards_of]
        values = self._opened.score([prompt for prompt, _ in new], [text for _, text in new])
        self._rewards_of.update(zip(new, values, strict=True))

    def describe(self) -> str:
        """Name the reward."""
        if self.config.by == "model":
            return "reward model of the benchmark's pairs"
        return "reward: the ground truth"


@hookimpl
def suite_judges() -> list[type[Judge[Any]]]:
    """Register the judge."""
    return [RewardJudge]
