"""Base models as stages: `tiny` is trained by the run itself, everything else is brought to one
form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from suite import tiny
from suite.api.data import Message, Row
from suite.api.stages import Host
from suite.model import folder as models
from suite.settings import TrainConfig
from suite.stages.handles import Model
from suite.store import Json, Stage, digest, file_digest

FineTune = Callable[[Model, Sequence[Row], TrainConfig, str], Stage]


def tiny_base(host: Host, fine_tune: FineTune, seed: int) -> Model:
    """Random weights of a seed, then pretraining on the generated world's language."""
    initial = host.stage("base", {"model": "tiny", "seed": seed}, label="tiny: initial weights")
    config = TrainConfig(**tiny.PRETRAIN)
    return Model(
        fine_tune(Model(initial), _pretraining_rows(), config, "pretrain tiny"), config.epochs
    )


def _pretraining_rows() -> list[Row]:
    from suite.tiny.world import pretraining_rows

    return [
        Row(f"pretraining/{i}", (Message("user", row["question"]),), row["answer"])
        for i, row in enumerate(pretraining_rows())
    ]


def imported(host: Host, option: str = "--model") -> Model:
    """A hub model, a folder or a GGUF file, as a model folder in the store.

    `option`: what named it, for refusals.
    """
    config = host.config
    models.check_source(config.model, option)
    source, identity = locate(config.model, option)
    resources: dict[str, Json] = {"source": str(source)}
    if base := models.adapter_base(source, option):
        found, of_base = locate(base, f"{option} {config.model}: its base model")
        identity = {"adapter": identity, "base": of_base}
        resources["base"] = str(found)
    spec: dict[str, Json] = {
        "model": identity,
        "pad_token": config.pad_token,
        "template": config.template,
        "date": config.date,
    }
    return Model(host.stage("base", spec, label=f"import {source.name}", resources=resources))


def locate(name: str, option: str = "--model") -> tuple[Path, Json]:
    """Find the model's files, and what identifies their content: digests, or hub id and commit."""
    path = Path(name).expanduser()
    if path.is_file():
        return path, {"gguf": file_digest(path)}
    if path.is_dir():
        files: dict[str, Json] = {p.name: file_digest(p) for p in models.model_files(path)}
        return path, {"folder": digest(files)}
    folder = models.download(name, option)
    return folder, {"hub": name, "commit": folder.name}
