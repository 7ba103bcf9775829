"""The stage `train`: a method trains from a start model. It leaves epoch-NN/ model folders and
log.jsonl."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from suite.api.stages import builds
from suite.model.folder import load_encoder
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in, folder_of
from suite.train.encoded import encode_rows, texts_of
from suite.train.rewarded import rewarder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suite.model.reference import References
    from suite.stages.context import Context
    from suite.store import Build


@builds("train")
def train_model(build: Build, context: Context) -> None:
    """Train the method of the spec from the model in the input `start`."""
    from suite.train.job import TrainJob
    from suite.train.loop import train
    from suite.train.placement import placement_of

    spec = build.spec
    config = TrainConfig(**spec["train"], **build.resources["step"])
    start = folder_of(build.inputs["start"], spec["epoch"])
    setting = f"{spec['method']}.max_length"
    encoder = load_encoder(start, spec["template"], spec["max_length"], setting)
    rows = {role: context.rows(build, role, key) for role, key in spec["roles"].items()}
    encoded = {role: encode_rows(given, encoder) for role, given in rows.items()}
    reward = context.reward(build, spec["reward"])
    job = TrainJob(
        method=context.method(spec),
        config=config,
        seed=spec["seed"],
        start=start,
        roles=encoded,
        references=_references(build, encoded),
        out=build.out,
        scratch=build.scratch,
        dtype=spec["dtype"],
        placement=placement_of(context.device),
        label=str(build.stage),
        epochs=_epochs(build),
        progress=context.progress,
        on_step=build.on_step,
        checkpoint_seconds=context.config.checkpoint_seconds,
        rewarder=rewarder(reward, rows.get("prompts", ()), encoder),
    )
    build.spent |= asdict(train(job))


def _epochs(build: Build) -> frozenset[int]:
    """The epochs to write: those that are asked for, and those that an earlier run has kept."""
    kept = epochs_in(build.before) if build.before is not None else ()
    return frozenset((*build.resources["epochs"], *kept))


def _references(build: Build, encoded: Mapping[str, list[Any]]) -> References:
    """What the start model says of the rows, where the method asks for it."""
    from suite.model.reference import References

    references = References()
    for role, items in encoded.items():
        folder = build.inputs.get(f"reference/{role}")
        if folder is not None:
            references.add(role, folder, texts_of(items))
    return references
