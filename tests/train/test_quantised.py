"""Whole trainings with moments in 8 bits and on weights in 4: what changes, what is delivered, and
that an interrupted one ends in the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from suite.api.placement import Placement
from suite.model import folder as models
from suite.model.compact import load_compact
from suite.model.four_bit import plain_state
from suite.model.hardware import autocast
from suite.model.reference import References, compute, save
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.train.job import TrainJob
from suite.train.loop import train
from tests.train.test_loop import CONFIG, data, job, weights

__all__ = ["data"]
pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
RANK, ALPHA = 32, 16.0
"""32 rows of 128 weights are enough for moments in 8 bits (4,096)."""
FOUR = replace(CONFIG, weights="nf4", lora_rank=RANK, lora_alpha=ALPHA, optimizer="adamw_8bit")
EIGHT = replace(CONFIG, optimizer="adamw_8bit")


class Stop(Exception):
    pass


def stop(step: int, metrics: Mapping[str, float]) -> None:
    if step == 3:
        raise Stop


@pytest.fixture
def four(tiny_folder: Path, data: tuple[dict[str, Any], References], tmp_path: Path) -> Any:
    """The data with the reference values of the model in 4 bits."""
    model = load_compact(tiny_folder, "nf4", Placement(), (), 64)
    values = compute(model, data[0]["forget"], autocast("float32", "cpu"), hidden=False, pad_id=0)
    save(values, tmp_path)
    references = References()
    references.add("forget", tmp_path, data[0]["forget"])
    return data[0], references


def cut(made: TrainJob) -> None:
    """Train, interrupted after the third step and begun again."""
    made = replace(made, checkpoint_seconds=0.0)
    with pytest.raises(Stop):
        train(replace(made, on_step=stop))
    train(made)


def test_moments_in_8_bits_train_like_others_and_resume_to_the_bit(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    losses: dict[str, list[float]] = {"adamw": [], "adamw_8bit": []}
    for name, seen in losses.items():
        config: TrainConfig = replace(EIGHT, optimizer=name)  # type: ignore[arg-type]
        made = job(tiny_folder, data, tmp_path / name, config=config)
        train(replace(made, on_step=lambda _, metrics, seen=seen: seen.append(metrics["loss"])))
    assert losses["adamw_8bit"] == pytest.approx(losses["adamw"], rel=0.02)
    assert weights(tmp_path / "adamw_8bit/out", 2) != weights(tmp_path / "adamw/out", 2)
    cut(job(tiny_folder, data, tmp_path / "cut", config=EIGHT))
    for epoch in (1, 2):
        whole = weights(tmp_path / "adamw_8bit/out", epoch)
        assert whole == weights(tmp_path / "cut/out", epoch)


def test_what_is_delivered_is_the_four_bit_base_and_the_saved_adapter(
    tiny_folder: Path, four: Any, tmp_path: Path
) -> None:
    train(job(tiny_folder, four, tmp_path / "whole", config=FOUR))
    folder = epochs_in(tmp_path / "whole/out")[2]
    base = plain_state(load_compact(tiny_folder, "nf4", Placement(), (), 64))
    delivered = models.load_model(folder).state_dict()
    adapter = load_file(folder / "adapter" / "adapter_model.safetensors")
    assert delivered.keys() == base.keys()
    changed = 0
    for name, weight in base.items():
        stem = f"base_model.model.{name.removesuffix('.weight')}"
        down, up = adapter.get(f"{stem}.lora_A.weight"), adapter.get(f"{stem}.lora_B.weight")
        if down is None or up is None:
            assert torch.equal(delivered[name], weight), name
            continue
        changed += 1
        expected = weight + up @ down * (ALPHA / RANK)
        torch.testing.assert_close(delivered[name], expected, rtol=0, atol=1e-6)
        assert not torch.equal(delivered[name], weight)
    assert changed == 3 * 7


def test_adapters_on_four_bits_resume_to_the_bit(
    tiny_folder: Path, four: Any, tmp_path: Path
) -> None:
    train(job(tiny_folder, four, tmp_path / "whole", config=FOUR))
    cut(job(tiny_folder, four, tmp_path / "cut", config=FOUR))
    for epoch in (1, 2):
        assert weights(tmp_path / "whole/out", epoch) == weights(tmp_path / "cut/out", epoch)
    logs = [(tmp_path / name / "out" / "log.jsonl").read_text() for name in ("whole", "cut")]
    assert logs[0] == logs[1]


def test_the_reference_values_must_be_those_of_the_four_bit_model(
    tiny_folder: Path, data: Any, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="policy and reference differ on 'forget'"):
        train(job(tiny_folder, data, tmp_path, config=FOUR))


def test_layers_that_are_computed_again_change_no_bit(
    tiny_folder: Path, four: Any, tmp_path: Path
) -> None:
    config = replace(FOUR, epochs=1)
    again = replace(config, gradient_checkpointing=True)
    train(job(tiny_folder, four, tmp_path / "once", config=config))
    train(job(tiny_folder, four, tmp_path / "twice", config=again))
    assert weights(tmp_path / "once/out", 1) == weights(tmp_path / "twice/out", 1)
