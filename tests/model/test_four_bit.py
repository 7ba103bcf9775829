"""Weights in 4 bits: what they stand for, and that forward passes read just that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from suite.api.data import Encoded
from suite.api.placement import Placement
from suite.core.errors import UserError
from suite.model import adapters
from suite.model.batch import collate
from suite.model.compact import load_compact
from suite.model.folder import load_model
from suite.model.four_bit import plain_state, quantise
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy

pytest.importorskip("bitsandbytes", reason="the extra `test` has it")
TEXTS = [Encoded(f"t{i}", (5, 6, 7 + i), (8 + i, 9, 10, 11 + 2 * i)) for i in range(5)]
STEP = 0.0796
"""The smallest positive of the sixteen numbers of NF4, as QLoRA's paper lists them (appendix E)."""


def narrowed(folder: Path, dtype: str = "float32") -> Any:
    return load_compact(folder, "nf4", Placement(), TEXTS[:2], 64, dtype)


def quantised(model: nn.Module) -> dict[str, Any]:
    found = {}
    for name, module in model.named_modules():
        if getattr(module._parameters.get("weight"), "quant_state", None) is not None:
            found[name] = module
    return found


def test_all_layers_but_the_last_are_in_four_bits(tiny_folder: Path) -> None:
    wide, narrow = load_model(tiny_folder), narrowed(tiny_folder)
    linear = {name for name, module in wide.named_modules() if isinstance(module, nn.Linear)}
    assert quantised(narrow).keys() == linear - {"lm_head"}
    assert narrow.lm_head.weight is narrow.model.embed_tokens.weight
    for name, module in quantised(narrow).items():
        assert module.weight.numel() == wide.get_submodule(name).weight.numel() / 2  # two a byte
        assert not module.weight.requires_grad


def test_each_block_stands_for_sixteen_numbers_near_its_weights(tiny_folder: Path) -> None:
    wide, narrow = load_model(tiny_folder).state_dict(), narrowed(tiny_folder)
    plain = plain_state(narrow)
    assert plain.keys() == wide.keys()
    for name in quantised(narrow):
        old, new = wide[f"{name}.weight"].view(-1, 64), plain[f"{name}.weight"].view(-1, 64)
        assert max(len(block.unique()) for block in new) <= 16
        # The widest gap of NF4 is .304 of a block's largest weight; its scale has 8 bits.
        largest = old.abs().amax(1, keepdim=True)
        assert bool(((old - new).abs() <= (0.304 / 2 + 0.02) * largest + 1e-4).all())
    others = wide.keys() - {f"{name}.weight" for name in quantised(narrow)}
    assert all(torch.equal(plain[name], wide[name]) for name in others)


def test_the_numbers_are_those_of_the_paper() -> None:
    layer = nn.Sequential(nn.Linear(64, 64, bias=False))
    layer[0].weight.data = torch.linspace(-1, 1, 64).repeat(64, 1)
    layer.get_output_embeddings = lambda: None
    quantise(layer, "cpu", "float32")
    (weight,) = plain_state(layer).values()
    numbers = weight.unique()
    assert len(numbers) == 16
    assert float(numbers[numbers > 1e-3].min()) == pytest.approx(STEP, abs=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_forward_pass_computes_what_the_plain_weights_do(tiny_folder: Path, dtype: str) -> None:
    narrow = narrowed(tiny_folder, dtype)
    plain = load_model(tiny_folder)
    plain.load_state_dict(plain_state(narrow))
    batch = collate(TEXTS, 0)
    with torch.no_grad(), autocast(dtype, "cpu")():
        found, expected = (LMPolicy(model)(batch).token_logps for model in (narrow, plain))
    tolerance = 1e-4 if dtype == "float32" else 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)


def test_layers_never_repack_their_weights(tiny_folder: Path) -> None:
    """Where a processor multiplies bfloat16 numbers, bitsandbytes packs weights anew in evaluation
    mode, and has no gradient then."""
    from bitsandbytes.nn import Linear4bit

    assert hasattr(Linear4bit(64, 64), "support_avx512bf16_for_cpu")
    narrow = adapters.wrap(narrowed(tiny_folder), 4, 16.0)
    for module in quantised(narrow).values():
        assert not module.training and not module.support_avx512bf16_for_cpu


def test_a_model_without_linear_layers_is_refused() -> None:
    model: Any = nn.Sequential(nn.Embedding(2, 2))
    model.get_output_embeddings = lambda: None
    with pytest.raises(UserError, match="weights=nf4: Sequential has no linear layers"):
        quantise(model, "cpu", "float32")
