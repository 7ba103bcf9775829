"""Base models as stages: `tiny` is trained by the run itself, everything else is brought to one form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite import models, tiny
from suite.benchmark import Message, Row
from suite.lab import Lab
from suite.settings import TrainConfig
from suite.store import Build, Json, Stage, digest, file_digest


@dataclass(frozen=True)
class Model:
    """A stage that holds model folders, and which of them is meant."""

    stage: Stage
    epoch: int | None = None
    """None: the stage's folder itself is the model."""

    def folder(self, root: Path) -> Path:
        """The model folder within the stage's finished folder."""
        return root if self.epoch is None else root / f"epoch-{self.epoch:02d}"


FineTune = Callable[[Model, Sequence[Row], TrainConfig, str], Stage]


def tiny_base(fine_tune: FineTune) -> Model:
    """Random weights, then pretraining on the generated world's language."""
    initial = Stage(
        "base",
        {"model": "tiny", "seed": 0},
        _build_tiny,
        {},
        ("suite.tiny",),
        "tiny: initial weights",
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


def _build_tiny(build: Build) -> None:
    from suite.tiny.model import initial_model
    from suite.tiny.tokenizer import build as build_tokenizer

    tokenizer = build_tokenizer()
    models.save_model(initial_model(tokenizer, seed=0), tokenizer, build.out)


def imported(lab: Lab) -> Model:
    """A hub model, a folder or a GGUF file, as a model folder in the store."""
    name, pad_token, template = lab.config.model, lab.config.pad_token, lab.config.template
    models.check_source(name)
    source, identity = locate(name)

    def build(build: Build) -> None:
        with lab.progress.task(f"import {source.name}", 1) as bar:
            models.import_base(source, build.out, pad_token, template)
            bar.advance()

    spec: dict[str, Json] = {"model": identity, "pad_token": pad_token, "template": template}
    return Model(Stage("base", spec, build, {}, ("suite.models",), f"import {source.name}"))


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
