"""What the training stages of `suite.stages` do when they are built: each reads files and writes files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

from suite.bases import Model
from suite.benchmark import Pair
from suite.lab import Lab
from suite.method import Method
from suite.rewards import Reward, Rewarder
from suite.sampled import Given, Rows, rows_of
from suite.settings import TrainConfig
from suite.store import Build, Json
from suite.texts import Encoded, Encoder


def jsonable(value: Any) -> Json:
    """Plain JSON of dataclasses, tuples, sets and paths, for keys."""
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    return value  # type: ignore[no-any-return]  # the store refuses what is not JSON


def encode_rows(rows: Given, encoder: Encoder) -> list[Any]:
    """Tokenise training rows (`Encoded`) or pairs (`EncodedPair`)."""
    from suite.sampling import EncodedPair

    return [
        EncodedPair(
            row.id,
            encoder.encode(row.prompt, row.chosen, f"{row.id} (chosen)"),
            encoder.encode(row.prompt, row.rejected, f"{row.id} (rejected)"),
        )
        if isinstance(row, Pair)
        else encoder.encode(row.prompt, row.completion, row.id)
        for row in rows
    ]


def texts_of(items: Sequence[Any]) -> list[Encoded]:
    """The texts of rows, or of both halves of pairs."""
    return [
        text for i in items for text in ((i,) if isinstance(i, Encoded) else (i.chosen, i.rejected))
    ]


def training(
    lab: Lab,
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
        from suite.reference import References
        from suite.train import TrainJob, train

        folder = start.folder(build.inputs["start"])
        encoder = lab.encoder(folder, config)
        encoded = {role: encode_rows(rows_of(rows, build), encoder) for role, rows in roles.items()}
        references = References()
        for role in roles:
            if f"reference/{role}" in build.inputs:
                references.add(role, build.inputs[f"reference/{role}"], texts_of(encoded[role]))
        cost = train(
            TrainJob(
                type(method)(method.config), config, seed, folder, encoded, references, build.out, build.scratch,
                dtype=lab.dtype, device=lab.device, label=label, epochs_kept=keep, progress=lab.progress,
                on_step=lab.on_step, checkpoint_seconds=lab.config.checkpoint_seconds,
                rewarder=rewarder(reward(build), rows_of(roles.get("prompts", ()), build), encoder),
            )
        )  # fmt: skip
        build.spent |= asdict(cost)

    return build


def rewarder(reward: Reward | None, prompts: Given, encoder: Encoder) -> Rewarder | None:
    """A reward of texts as a reward of tokenised answers to these prompts."""
    if reward is None:
        return None
    conversations = {encoder.encode_prompt(row.prompt): row.prompt for row in prompts}

    def score(texts: Sequence[Encoded]) -> list[float]:
        prompts = [conversations[text.prompt_ids] for text in texts]
        return reward.score(prompts, [encoder.decode(text.completion_ids) for text in texts])

    return score


def preparing(
    method: Method[Any] | None, rows: Mapping[str, Rows], reward: Callable[[Build], Reward | None]
) -> Callable[[Build], None]:
    """Give a method that answers in its own way the rows and the reward that it needs."""

    def prepare(build: Build) -> None:
        if method is not None:
            method.prepare(
                {role: rows_of(given, build) for role, given in rows.items()}, reward(build)
            )

    return prepare


def opening_reward(lab: Lab, model: Model) -> Callable[[Build], Reward]:
    """The trained reward model that a stage reads as its input `reward`."""

    def open(build: Build) -> Reward:
        from suite.reward_model import ModelReward, held_out_accuracy

        folder = model.folder(build.inputs["reward"])
        lab.progress.say(held_out_accuracy(folder))
        return ModelReward(folder, lab.encoder(folder, lab.config.train), lab.device, lab.dtype)

    return open


def referencing(
    lab: Lab, start: Model, rows: Rows, config: TrainConfig, hidden: bool
) -> Callable[[Build], None]:
    """Score training rows under the starting model."""

    def build(build: Build) -> None:
        from suite import models, reference
        from suite.train import autocast

        folder = start.folder(build.inputs["model"])
        encoder = lab.encoder(folder, config)
        texts = texts_of(encode_rows(rows_of(rows, build), encoder))
        model = models.load_model(folder).to(lab.device)
        with lab.progress.task("reference log-probabilities", len(texts), "text") as bar:
            tensors = reference.compute(
                model, texts, autocast(lab.dtype, lab.device), hidden=hidden,
                pad_id=encoder.tokenizer.pad_token_id, advance=bar.advance,
            )  # fmt: skip
        reference.save(tensors, build.out)

    return build
