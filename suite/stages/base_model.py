"""Base models as stages: `tiny` is trained by the run itself, everything else is brought to one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from suite import tiny
from suite.api.data import Message, Row
from suite.core.progress import Progress
from suite.model import folder as models
from suite.settings import RunConfig, TrainConfig
from suite.stages.base_stage import build_tiny, importing
from suite.stages.handles import Model
from suite.store import Json, Stage, digest, file_digest

FineTune = Callable[[Model, Sequence[Row], TrainConfig, str], Stage]


def tiny_base(fine_tune: FineTune) -> Model:
    """Random weights, then pretraining on the generated world's language."""
    initial = Stage(
        "base",
        {"model": "tiny", "seed": 0},
        build_tiny,
        label="tiny: initial weights",
    )
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


def imported(config: RunConfig, progress: Progress) -> Model:
    """A hub model, a folder or a GGUF file, as a model folder in the store."""
    name, pad_token, template = config.model, config.pad_token, config.template
    models.check_source(name)
    source, identity = locate(name)

    spec: dict[str, Json] = {"model": identity, "pad_token": pad_token, "template": template}
    build = importing(source, pad_token, template, progress)
    return Model(Stage("base", spec, build, label=f"import {source.name}"))


def locate(name: str) -> tuple[Path, Json]:
    """Find the model's files, and what identifies their content: digests, or hub id and commit."""
    path = Path(name).expanduser()
    if path.is_file():
        return path, {"gguf": file_digest(path)}
    if path.is_dir():
        files: dict[str, Json] = {p.name: file_digest(p) for p in models.model_files(path)}
        return path, {"folder": digest(files)}
    folder = models.download(name)
    return folder, {"hub": name, "commit": folder.name}
