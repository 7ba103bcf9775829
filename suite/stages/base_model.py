"""Base models as stages: `tiny` is trained by the run itself, everything else is brought to one
form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from suite import tiny
from suite.api.data import Message, Row
from suite.api.stages import Host
from suite.model import source as source_of
from suite.settings import TrainConfig
from suite.stages.handles import Model
from suite.store import Json, Stage, digest, file_digest
from suite.tiny.packaged import packaged, recipe_of

FineTune = Callable[[Model, Sequence[Row], TrainConfig, str], Stage]


def tiny_base(host: Host, fine_tune: FineTune, seed: int) -> Model:
    """Random weights of a seed, then pretraining on the generated world's language; or the packaged
    weights, if that very pretraining made them."""
    initial = host.stage("base", {"model": "tiny", "seed": seed}, label="tiny: initial weights")
    config = TrainConfig(**tiny.PRETRAIN)
    pretraining = fine_tune(Model(initial), _pretraining_rows(), config, "pretrain tiny")
    known = packaged() if host.config.pretraining == "packaged" else None
    if known is None or digest(recipe_of(pretraining)) != known.recipe:
        return Model(pretraining, config.epochs)
    # Another key than that of the pretraining: the weights may come from another machine.
    spec: dict[str, Json] = {"model": "tiny", "weights": known.weights}
    return Model(host.stage("base", spec, label="tiny: packaged weights"))


def _pretraining_rows() -> list[Row]:
    from suite.tiny.world import pretraining_rows

    return [
        Row(f"pretraining/{i}", (Message("user", row["question"]),), row["answer"])
        for i, row in enumerate(pretraining_rows())
    ]


def imported(host: Host, name: str, option: str = "--model") -> Model:
    """A hub model, a folder (of adapters, too) or a GGUF file, as a model folder in the store.

    `option`: what named it, for refusals.
    """
    config = host.config
    source_of.check_source(name, option)
    source, identity = locate(name, option)
    resources: dict[str, Json] = {"source": str(source)}
    if base := source_of.adapter_base(source, option):
        found, of_base = locate(base, f"{option} {name}: its base model")
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
        return path, {"gguf": _digest(path)}
    if path.is_dir():
        files: dict[str, Json] = {p.name: _digest(p) for p in source_of.model_files(path, option)}
        return path, {"folder": digest(files)}
    folder = source_of.download(name, option)
    return folder, {"hub": source_of.split_revision(name)[0], "commit": folder.name}


def origin(name: str) -> str:
    """Say where a model is from, for reports: no folder of this machine, but the content's digest.

    "owner/name at commit 1f2e...", "folder retain90 (sha256 of its files 0a1b...)"
    """
    source, identity = locate(name)
    assert isinstance(identity, dict)
    if "hub" in identity:
        return f"{identity['hub']} at commit {identity['commit']}"
    kind = "file" if source.is_file() else "folder"
    said = f"{kind} {source.name} (sha256 {next(iter(identity.values()))})"
    base = source_of.adapter_base(source)
    if base is None or Path(base) == source:
        return said
    return f"adapters in {said} on {origin(base)}"


def weights_digest(source: Path) -> str:
    """Digest of a model's weights alone. Files of the hub's cache are named by it."""
    if source.is_file():
        return _digest(source)
    weights = [p for p in source_of.model_files(source) if p.suffix == ".safetensors"]
    return digest([_digest(p) for p in weights])


def _digest(file: Path) -> str:
    """SHA-256 of a file, taken once; the hub's cache keeps large files under theirs."""
    found = file.resolve()
    if found.parent.name == "blobs" and len(found.name) == 64:
        return found.name
    state = found.stat()
    return _taken(found, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _taken(file: Path, size: int, changed: int) -> str:
    return file_digest(file)
