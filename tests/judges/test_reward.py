"""Judge `reward`: the larger reward wins, and no answer is rewarded twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from suite.api.judge import Rewards
from suite.api.reward import Prompt, Reward
from suite.api.verdicts import Judged
from suite.judges.reward import RewardConfig, RewardJudge
from suite.stages.context import Context
from suite.store import Json

Run = Callable[..., dict[str, Judged]]


class Vowels(Reward):
    """Counts the vowels, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Prompt, str]] = []

    def score(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[float]:
        self.asked += zip(prompts, continuations, strict=True)
        return [float(sum(text.count(vowel) for vowel in "aeiou")) for text in continuations]

    def identity(self) -> dict[str, Json]:
        return {}


def test_the_larger_reward_wins_and_each_answer_is_rewarded_once(
    judged: Run, context: Context
) -> None:
    reward = Vowels()
    judge = RewardJudge(RewardConfig(), context, Rewards(truth=reward))
    found = judged(judge, {1: "In Belmora, I believe.", 2: "Hm.", 3: "Is it, a?"})
    assert [found[f"t0/{n}/answer"].score for n in (1, 2, 3)] == [1.0, 0.0, 0.5]
    first_run = len(reward.asked)
    assert first_run == len(set(reward.asked))
    again = judged(judge, {1: "In Belmora, I believe.", 2: "Aeiou."})
    assert [again[f"t0/{n}/answer"].score for n in (1, 2)] == [1.0, 1.0]
    assert [text for _, text in reward.asked[first_run:]] == ["Aeiou."]
