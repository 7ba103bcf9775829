"""Weights in bfloat16 compute what autocast computes of float32 weights with the same values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.api.data import Encoded
from suite.api.placement import Placement
from suite.model.batch import collate
from suite.model.compact import load_compact
from suite.model.folder import load_model, save_model
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy
from suite.model.recompute import checkpoint_layers
from suite.model.rounding import drop_ties
from suite.tiny.tokenizer import build

TEXTS = [Encoded(f"t{i}", (5, 6, 7 + i), (8 + i, 9, 10, 11 + 2 * i)) for i in range(5)]


@pytest.fixture(scope="module")
def exact(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of whose matrices bfloat16 holds every weight."""
    folder = tmp_path_factory.mktemp("exact")
    model = load_model(tiny_folder)
    drop_ties(model)
    save_model(model, build(), folder)
    return folder


def narrowed(folder: Path, weights: str = "bfloat16") -> Any:
    return load_compact(folder, weights, Placement(), TEXTS[:2], 64)


def scored(model: Any) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Log-probabilities, and their gradient by parameter."""
    with autocast("bfloat16", "cpu")():
        logps = LMPolicy(model)(collate(TEXTS, 0)).token_logps
        logps.sum().backward()
    return logps.detach(), {name: p.grad for name, p in model.named_parameters()}


def test_the_forward_pass_is_autocasts_bit_for_bit(exact: Path) -> None:
    wide, narrow = load_model(exact), narrowed(exact)
    dtypes = {p.ndim: p.dtype for p in narrow.parameters()}
    assert dtypes == {1: torch.float32, 2: torch.bfloat16}
    expected, wanted = scored(wide)
    found, gradients = scored(narrow)
    assert torch.equal(found, expected)
    for name, gradient in gradients.items():
        # The same but for a last rounding to bfloat16; a tied embedding adds two of them.
        near = 2**-7 * float(wanted[name].abs().max())
        torch.testing.assert_close(gradient.float(), wanted[name], rtol=2**-6, atol=near)


def test_tied_weights_stay_tied_and_float32_stays_as_it_is(exact: Path) -> None:
    narrow = narrowed(exact)
    assert narrow.lm_head.weight is narrow.model.embed_tokens.weight
    wide = narrowed(exact, "float32")
    assert {p.dtype for p in wide.parameters()} == {torch.float32}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_checkpointed_layers_give_the_same_gradient_to_the_bit(exact: Path, dtype: str) -> None:
    made = []
    for again in (False, True):
        model = narrowed(exact, dtype)
        if again:
            checkpoint_layers(model)
        calls = counted(model.model.layers[0].mlp)
        made.append((*scored(model), len(calls)))
    (logps, gradients, once), (same, found, twice) = made
    assert (once, twice) == (1, 2)  # it is computed again indeed
    assert torch.equal(logps, same)
    for name, gradient in gradients.items():
        assert torch.equal(gradient, found[name]), name


def counted(module: Any) -> list[int]:
    """A list that grows with every call of a module."""
    calls: list[int] = []
    module.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


def test_dropout_that_a_layer_calls_itself_is_off(exact: Path) -> None:
    from suite.model.folder import disable_dropout

    model = load_model(exact)
    model.model.layers[0].self_attn.attention_dropout = 0.5
    disable_dropout(model)
    assert model.model.layers[0].self_attn.attention_dropout == 0.0
