"""Forecasts of memory: exact but for the batch, and near the measured peak with it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.api.placement import Placement
from suite.model import adapters
from suite.model import folder as models
from suite.model.compact import load_compact
from suite.model.memory import (
    Passes,
    activation_bytes,
    adapter_weights,
    fixed_bytes,
    training_bytes,
    weight_bytes,
)
from suite.model.shape import Shape, shape_of
from suite.settings import TrainConfig
from suite.tiny.tokenizer import build
from suite.train.optimizer import make_optimizer
from tests.perf.one_card import PREDICTED, TOKENS

NOT_OF_A_WEIGHT = ("step", "qmap1", "qmap2")
"""What an optimiser keeps beside moments: counts, and two tables of 256 numbers."""
ROOT = Path(__file__).parent.parent.parent


def known(folder: Path) -> Shape:
    shape = shape_of(folder)
    assert shape is not None
    return shape


def held(tensors: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@pytest.mark.parametrize("kind", ["adamw", "adamw_8bit"])
@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_weights_gradients_and_moments_are_exact(
    tiny_folder: Path, weights: Any, kind: Any
) -> None:
    if kind != "adamw":
        pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
    config = TrainConfig(weights=weights, optimizer=kind)
    model = load_compact(tiny_folder, weights, Placement(), (), 64)
    parameters = list(model.parameters())
    optimizer = make_optimizer(config, parameters, 0)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    gradients = held(p.grad for p in parameters)
    optimizer.step()
    inner = getattr(optimizer, "inner", [optimizer])
    moments = sum(
        held(state[name] for name in state if name not in NOT_OF_A_WEIGHT)
        for each in inner
        for state in each.state.values()
    )
    found = held(parameters) + gradients + moments
    # A run in float32 has no copies of weights beside these; nor has one of bfloat16 weights.
    dtype = "bfloat16" if weights == "bfloat16" else "float32"
    # The last block of 256 moments is not full.
    spare = 0 if kind == "adamw" else 8
    assert fixed_bytes(known(tiny_folder), config, dtype) == pytest.approx(found, abs=spare, rel=0)


def test_weights_in_four_bits_are_exact_but_for_the_layer_that_is_wide(tiny_folder: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
    shape, config = known(tiny_folder), TrainConfig(weights="nf4", lora_rank=4)
    model = load_compact(tiny_folder, "nf4", Placement(), (), 64)
    parameters = list(model.parameters())
    scales = []
    for parameter in parameters:
        if (state := getattr(parameter, "quant_state", None)) is not None:
            scales += [state.absmax, state.state2.absmax]
    wide = 4 * shape.hidden * shape.feed_forward
    found = held(parameters) + held(scales)
    # The last group of 256 scales is not full.
    assert weight_bytes(shape, config, "float32") - wide == pytest.approx(found, rel=1e-3)


def test_paged_moments_need_no_room_on_the_card(tiny_folder: Path) -> None:
    shape = known(tiny_folder)
    kept = {
        kind: fixed_bytes(shape, TrainConfig(optimizer=kind), "float32")
        for kind in ("adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit")
    }
    assert kept["adamw"] == 16 * shape.parameters
    assert kept["adamw"] > kept["adamw_8bit"] > kept["paged_adamw"] == 8 * shape.parameters
    assert kept["paged_adamw_8bit"] == kept["paged_adamw"]


def test_adapters_are_counted_as_peft_makes_them(tiny_folder: Path) -> None:
    model = adapters.wrap(models.load_model(tiny_folder), 4, 16.0)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert adapter_weights(known(tiny_folder), 4) == trained


def test_an_eight_billion_model_needs_what_the_arithmetic_says() -> None:
    """16 bytes a weight in float32, 12 with bfloat16 weights, 6 with moments in 8 bits, 2 with
    adapters on them, a little more than half a one on 4 bits: 7 billion of the 8 are in layers."""
    shape = Shape(
        8_000_000_000,
        0,
        hidden=4096,
        feed_forward=14336,
        layers=32,
        heads=32,
        vocabulary=128256,
        tied=False,
        stored=16_000_000_000,
    )
    small = TrainConfig(weights="bfloat16")
    assert fixed_bytes(shape, TrainConfig(), "float32") == 128e9
    assert fixed_bytes(shape, small, "bfloat16") == 96e9
    assert fixed_bytes(shape, replace(small, lora_rank=16), "bfloat16") == pytest.approx(
        16e9, rel=0.05
    )
    eight = replace(small, optimizer="adamw_8bit")
    assert fixed_bytes(shape, eight, "bfloat16") == pytest.approx(48e9, rel=0.01)
    four = replace(small, weights="nf4", lora_rank=16)
    assert fixed_bytes(shape, four, "bfloat16") == pytest.approx(6.4e9, rel=0.05)


def test_checkpointed_layers_keep_their_inputs(tiny_folder: Path) -> None:
    shape, passes = known(tiny_folder), Passes("float32", "cpu", 1000, 500)
    plain = activation_bytes(shape, TrainConfig(), passes)
    less = activation_bytes(shape, TrainConfig(gradient_checkpointing=True), passes)
    inputs = 1000 * 3 * 4 * 128
    assert less == inputs + plain // 3


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """15M random weights: enough for a peak that stands out of what torch itself takes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = build()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=384,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    folder = tmp_path_factory.mktemp("small")
    models.save_model(LlamaForCausalLM(config).eval(), tokenizer, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("changes", [{}, {"gradient_checkpointing": True}], ids=str)
def test_the_measured_peak_is_near(small: Path, changes: dict[str, Any]) -> None:
    """Measured: 1.17 and 1.39 times the forecast, by what the process holds beside tensors (some 70
    MB more than before the model was loaded)."""
    command = [sys.executable, "-m", "tests.perf.one_card", str(small), json.dumps(changes), "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)["peak_bytes"]
    config = TrainConfig(**changes)
    passes = Passes("float32", "cpu", TOKENS, PREDICTED)
    expected = training_bytes(known(small), config, passes)
    assert 0.8 < measured / expected < 1.6
