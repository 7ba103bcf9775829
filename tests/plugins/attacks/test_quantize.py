"""Every linear layer but the output is rounded, and nothing else; a quantised base is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from suite_plugins.attacks.codebooks import rounded
from suite_plugins.attacks.quantize import Quantize, QuantizeConfig, round_weights

from suite import Target, UserError


def made(kind: Any, folder: Path, out: Path, **spec: Any) -> dict[str, torch.Tensor]:
    """The tensors of the model that a kind of stage leaves."""
    out.mkdir()
    build = SimpleNamespace(inputs={"model": folder}, spec={"epoch": None, **spec}, out=out)
    kind.build(build, None)
    return load_file(out / "model.safetensors")


def is_linear(name: str) -> bool:
    return name.endswith("_proj.weight")


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_linear_layers_are_rounded_and_nothing_else(
    kind: str, tiny_folder: Path, tmp_path: Path
) -> None:
    before = load_file(tiny_folder / "model.safetensors")
    after = made(round_weights, tiny_folder, tmp_path / "out", type=kind, block=64)
    assert before.keys() == after.keys()
    linear = [name for name in before if is_linear(name)]
    assert len(linear) == 21  # seven in each of three layers
    for name, weight in before.items():
        expected = rounded(weight, kind, 64) if name in linear else weight
        torch.testing.assert_close(after[name], expected, msg=name)
        assert torch.equal(after[name], weight) == (name not in linear)


def test_eight_bits_have_no_blocks(target: Target) -> None:
    (four,) = Quantize(QuantizeConfig("fp4", 128)).phases(target)
    (eight,) = Quantize(QuantizeConfig("int8", 128)).phases(target)
    assert four.spec == {"type": "fp4", "block": 128}
    assert eight.spec == {"type": "int8", "block": 0}


def test_a_quantised_model_is_refused(target: Target) -> None:
    Quantize(QuantizeConfig()).check(target)
    with pytest.raises(UserError, match=r"attack 'quantize': --model: .*Q4_1"):
        Quantize(QuantizeConfig()).check(
            replace(target, quantized="--model: its weights are quantised (Q4_1)")
        )
