"""Opening the trained reward model that a stage reads as its input `reward`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from suite.models import load_encoder
from suite.reward_model import ModelReward, held_out_accuracy

if TYPE_CHECKING:
    from suite.handles import Model
    from suite.lab import Lab
    from suite.rewards import Reward
    from suite.store import Build


def opening_reward(lab: Lab, model: Model) -> Callable[[Build], Reward]:
    """The trained reward model that a stage reads as its input `reward`."""

    def open(build: Build) -> Reward:
        folder = model.folder(build.inputs["reward"])
        lab.progress.say(held_out_accuracy(folder))
        encoder = load_encoder(folder, lab.config.template, lab.config.train.max_length)
        return ModelReward(folder, encoder, lab.device, lab.dtype)

    return open
