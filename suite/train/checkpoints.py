"""Step checkpoints: everything that a killed training run needs to go on as if nothing had
happened.

    <scratch>/step-000120/  model.safetensors  optimizer.safetensors  state.json  manifest.json

A checkpoint is written beside its name and renamed; its manifest holds sizes and hashes, so a torn
or damaged one is passed over for the one before. Nothing is pickled.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from suite.api.method import Method
from suite.api.step import TrainState
from suite.core import faults
from suite.store import read_json, write_json
from suite.store.digests import file_digest

MODEL = "model"
KEPT = 2
ATTEMPTS = 3


def save(state: TrainState, method: Method[Any], scratch: Path) -> None:
    """Write a checkpoint of the state after `state.step` steps and drop old ones."""
    gather = state.placement.gather
    modules = {name: gather(_trainable(module)) for name, module in _modules(state).items()}
    tensors, rest = flatten(state.optimizer.state_dict())
    tensors = gather(tensors)
    if not state.placement.is_main:
        return
    final = scratch / f"step-{state.step:06d}"
    folder = scratch / f"writing-{state.step:06d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, weights in modules.items():
        save_file(weights, folder / f"{name}.safetensors")
    faults.point("checkpoint.write")
    save_file(tensors | {"rng": torch.get_rng_state()}, folder / "optimizer.safetensors")
    write_json(
        folder / "state.json",
        {
            "step": state.step,
            "optimizer": rest,
            "scheduler": state.scheduler.state_dict(),
            "method": method.state_dict(),
        },
    )
    write_json(folder / "manifest.json", {p.name: file_digest(p) for p in sorted(folder.iterdir())})
    shutil.rmtree(final, ignore_errors=True)
    folder.rename(final)
    for old in sorted(scratch.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old)


def restore(state: TrainState, method: Method[Any], scratch: Path) -> bool:
    """Load the newest whole checkpoint into `state`; False if there is none."""
    folder = state.placement.told(newest(scratch))
    if folder is None:
        return False
    scatter = state.placement.scatter
    for name, module in _modules(state).items():
        weights = load_file(folder / f"{name}.safetensors")
        module.load_state_dict(scatter(weights), strict=name != MODEL)
    tensors = load_file(folder / "optimizer.safetensors")
    torch.set_rng_state(tensors.pop("rng"))
    saved = read_json(folder / "state.json")
    state.optimizer.load_state_dict(unflatten(scatter(tensors), saved["optimizer"]))
    state.scheduler.load_state_dict(saved["scheduler"])
    method.load_state_dict(saved["method"])
    state.step = saved["step"]
    return True


def newest(scratch: Path) -> Path | None:
    """The newest whole checkpoint."""
    folders = sorted(scratch.glob("step-*"), reverse=True)
    return next((folder for folder in folders if _whole(folder)), None)


def drop_from(scratch: Path, step: int) -> None:
    """Remove the checkpoints of that step and of later ones."""
    for folder in scratch.glob("step-*"):
        if int(folder.name.removeprefix("step-")) >= step:
            shutil.rmtree(folder)


def _whole(folder: Path) -> bool:
    try:
        manifest: dict[str, str] = read_json(folder / "manifest.json")
        return all(file_digest(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError):
        return False


def _modules(state: TrainState) -> dict[str, nn.Module]:
    """What is trained, by the name of its file."""
    heads = {f"head-{name}": head for name, head in state.heads.items()}
    return {MODEL: state.policy.model, **heads}


def _trainable(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: p.detach().contiguous() for name, p in model.named_parameters() if p.requires_grad
    }


def flatten(tree: Any, path: str = "") -> tuple[dict[str, Tensor], Any]:
    """Split nested dicts and lists into tensors by path and a JSON skeleton in which they are
    named."""
    if isinstance(tree, Tensor):
        return {path: tree.contiguous()}, {"tensor": path}
    if isinstance(tree, Mapping):
        tensors, named = _flatten_each(tree.items(), path)
        # JSON has no keys that are numbers, so the skeleton says which they were.
        numbers = len(tree) > 0 and all(isinstance(key, int) for key in tree)
        return tensors, {"ints" if numbers else "dict": named}
    if isinstance(tree, list | tuple):
        tensors, named = _flatten_each(enumerate(tree), path)
        return tensors, {"list": list(named.values())}
    return {}, {"value": tree}


def _flatten_each(
    items: Iterable[tuple[Any, Any]], path: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of all items, and each item's skeleton by its key."""
    tensors: dict[str, Tensor] = {}
    named: dict[str, Any] = {}
    for key, value in items:
        own, named[str(key)] = flatten(value, f"{path}/{key}")
        tensors |= own
    return tensors, named


def unflatten(tensors: Mapping[str, Tensor], skeleton: Any) -> Any:
    """Undo `flatten`."""
    ((kind, content),) = skeleton.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "value":
        return content
    if kind == "list":
        return [unflatten(tensors, part) for part in content]
    key = int if kind == "ints" else str
    return {key(name): unflatten(tensors, part) for name, part in content.items()}
