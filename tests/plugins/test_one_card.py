"""Every method that trains, in each of the modes for one card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from plugin_bench import references_of, registry
from safetensors import safe_open
from test_training_runs import CONFIG, job, start

from suite.api.placement import Placement
from suite.model import folder as models
from suite.model.compact import load_compact
from suite.model.hardware import autocast
from suite.model.reference import References
from suite.stages.handles import epochs_in
from suite.train.loop import train

__all__ = ["start"]
TRAINED = [cls.name for cls in registry().methods() if cls.trains]
SHORT = replace(CONFIG, epochs=1)


def trained(start: Path, references: Any, out: Path, name: str, **changes: Any) -> Path:
    made = job(start, references, out, name)
    config = replace(SHORT, **{k: v for k, v in changes.items() if k != "dtype"})
    for role in made.method.needs_reference_hidden:
        made.references._logps |= references[role]._logps
        made.references._hidden |= references[role]._hidden
    train(replace(made, config=config, dtype=changes.get("dtype", "float32")))
    return out / "out"


@pytest.mark.parametrize("name", TRAINED)
def test_checkpointed_layers_change_no_bit(
    start: Path, all_references: Mapping[str, References], tmp_path: Path, name: str
) -> None:
    plain = trained(start, all_references, tmp_path / "plain", name)
    again = trained(start, all_references, tmp_path / "again", name, gradient_checkpointing=True)
    assert (plain / "log.jsonl").read_text() == (again / "log.jsonl").read_text()
    files = [epochs_in(folder)[1] / "model.safetensors" for folder in (plain, again)]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("name", TRAINED)
def test_bfloat16_weights_train(
    start: Path, all_references: Mapping[str, References], tmp_path: Path, name: str
) -> None:
    changes = {"weights": "bfloat16", "dtype": "bfloat16"}
    out = trained(start, all_references, tmp_path, name, **changes)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert log and all(line["grad_norm"] > 0 for line in log)
    before, after = models.load_model(start), models.load_model(epochs_in(out)[1])
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    assert any(not torch.equal(old, new) for old, new in pairs)
    assert all(bool(new.isfinite().all()) for _, new in pairs)
    # What was trained is what is delivered: its matrices are bfloat16 numbers.
    for _, new in pairs:
        assert new.ndim == 1 or torch.equal(new, new.bfloat16().float())


def test_adapters_train_on_bfloat16_weights(
    start: Path, all_references: Mapping[str, References], tmp_path: Path
) -> None:
    changes = {"weights": "bfloat16", "dtype": "bfloat16", "lora_rank": 2}
    out = trained(start, all_references, tmp_path, "npo", **changes)
    folder = epochs_in(out)[1]
    before, after = models.load_model(start).state_dict(), models.load_model(folder).state_dict()
    for name, weight in before.items():
        rounded = weight.bfloat16().float() if weight.ndim > 1 else weight
        assert torch.equal(after[name], rounded) != name.endswith("_proj.weight"), name
    with safe_open(folder / "adapter/adapter_model.safetensors", framework="pt") as opened:
        kinds = {opened.get_slice(name).get_dtype() for name in opened.keys()}  # noqa: SIM118
    assert kinds == {"F32"}  # what is trained is small, and keeps all its bits


FOUR_BITS = [(name, "float32") for name in TRAINED if name != "task_vector"]
"""`task_vector` negates all weights, and refuses adapters."""


@pytest.mark.parametrize(("name", "dtype"), [*FOUR_BITS, ("npo", "bfloat16")])
def test_adapters_train_on_four_bits(
    start: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    name: str,
    dtype: str,
) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
    model = load_compact(start, "nf4", Placement(), (), 64, dtype)
    with autocast(dtype, "cpu")():
        references = references_of(model, tmp_path_factory)
    changes = {"weights": "nf4", "lora_rank": 2, "optimizer": "adamw_8bit", "dtype": dtype}
    out = trained(start, references, tmp_path, name, **changes)
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert log and all(line["grad_norm"] > 0 for line in log)
    after = models.load_model(epochs_in(out)[1])
    assert all(bool(weight.isfinite().all()) for weight in after.parameters())
