"""Rewards as a training step sees them, and the trained reward model that a stage reads as its input `reward`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from suite.model.folder import load_encoder
from suite.model.reward_model import ModelReward, held_out_accuracy

if TYPE_CHECKING:
    from suite.api.data import Encoded, Given
    from suite.api.reward import Reward, Rewarder
    from suite.model.encoding import Encoder
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.store import Build


def opening_reward(context: Context, model: Model) -> Callable[[Build], Reward]:
    """The trained reward model that a stage reads as its input `reward`."""

    def open(build: Build) -> Reward:
        folder = model.folder(build.inputs["reward"])
        context.progress.say(held_out_accuracy(folder))
        encoder = load_encoder(folder, context.config.template, context.config.train.max_length)
        return ModelReward(folder, encoder, context.device, context.dtype)

    return open


def rewarder(reward: Reward | None, prompts: Given, encoder: Encoder) -> Rewarder | None:
    """A reward of texts as a reward of tokenised answers to these prompts."""
    if reward is None:
        return None
    conversations = {encoder.encode_prompt(row.prompt): row.prompt for row in prompts}

    def score(texts: Sequence[Encoded]) -> list[float]:
        prompts = [conversations[text.prompt_ids] for text in texts]
        return reward.score(prompts, [encoder.decode(text.completion_ids) for text in texts])

    return score
