"""The stage `train`: a method trains from a start model. It leaves epoch-NN/ model folders and log.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from suite.model.folder import load_encoder
from suite.stages.rewards import rewarder
from suite.stages.rows import rows_of
from suite.train.encoded import encode_rows, texts_of

if TYPE_CHECKING:
    from suite.api.method import Method
    from suite.api.reward import Reward
    from suite.settings import TrainConfig
    from suite.stages.context import Context
    from suite.stages.handles import Model
    from suite.stages.rows import Rows
    from suite.store import Build


def training(
    context: Context,
    start: Model,
    method: Method[Any],
    roles: Mapping[str, Rows],
    config: TrainConfig,
    seed: int,
    label: str,
    keep: str,
    reward: Callable[[Build], Reward | None],
) -> Callable[[Build], None]:
    """Train `method` from `start`: epoch-NN/ model folders and log.jsonl."""

    def build(build: Build) -> None:
        from suite.model.reference import References
        from suite.train.loop import TrainJob, train

        folder = start.folder(build.inputs["start"])
        encoder = load_encoder(folder, context.config.template, config.max_length)
        encoded = {role: encode_rows(rows_of(rows, build), encoder) for role, rows in roles.items()}
        references = References()
        for role in roles:
            if f"reference/{role}" in build.inputs:
                references.add(role, build.inputs[f"reference/{role}"], texts_of(encoded[role]))
        cost = train(
            TrainJob(
                type(method)(method.config), config, seed, folder, encoded, references, build.out, build.scratch,
                dtype=context.dtype, device=context.device, label=label, epochs_kept=keep, progress=context.progress,
                on_step=context.on_step, checkpoint_seconds=context.config.checkpoint_seconds,
                rewarder=rewarder(reward(build), rows_of(roles.get("prompts", ()), build), encoder),
            )
        )  # fmt: skip
        build.spent |= asdict(cost)

    return build
