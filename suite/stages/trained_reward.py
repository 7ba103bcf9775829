"""Opening the trained reward model that a stage reads as its input `reward`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suite.model.folder import load_encoder
from suite.model.reward_model import ModelReward, held_out_accuracy
from suite.stages.handles import folder_of

if TYPE_CHECKING:
    from suite.api.reward import Reward
    from suite.api.stages import Host
    from suite.store import Build


def open_reward(build: Build, host: Host, epoch: int | None) -> Reward:
    """The reward model of that epoch in the input `reward`."""
    folder = folder_of(build.inputs["reward"], epoch)
    host.progress.say(held_out_accuracy(folder))
    encoder = load_encoder(folder, host.config.template, host.config.train.max_length)
    return ModelReward(folder, encoder, host.device, host.dtype)
