"""Small weights go with forward passes in bfloat16 only."""

from __future__ import annotations

from typing import Any

import pytest

from suite import UserError
from suite.plan import precision
from suite.plan.precision import check_precision
from suite.settings import TrainConfig


def test_small_weights_need_passes_in_bfloat16() -> None:
    check_precision(TrainConfig(), "float32", "cpu", "npo")
    check_precision(TrainConfig(), "bfloat16", "cpu", "npo")
    small = TrainConfig(weights="bfloat16")
    check_precision(small, "bfloat16", "cpu", "npo")
    with pytest.raises(UserError, match="npo: weights=bfloat16 needs .* add --dtype bfloat16"):
        check_precision(small, "float32", "cpu", "npo")


def test_four_bits_are_for_adapters() -> None:
    with pytest.raises(UserError, match=r"npo: weights=nf4 .* --set npo\.lora_rank=16"):
        check_precision(TrainConfig(weights="nf4"), "float32", "cpu", "npo")


@pytest.mark.parametrize("name", ["paged_adamw", "paged_adamw_8bit"])
def test_paged_state_needs_a_card(name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "find_spec", lambda name: object())
    check_precision(TrainConfig(optimizer=name), "float32", "cuda:1", "npo")
    with pytest.raises(UserError, match=rf"npo: optimizer={name} .* needs CUDA .* on cpu"):
        check_precision(TrainConfig(optimizer=name), "float32", "cpu", "npo")


def test_without_bitsandbytes_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "find_spec", lambda name: None)
    check_precision(TrainConfig(), "float32", "cpu", "npo")
    both = TrainConfig(weights="nf4", lora_rank=4, optimizer="adamw_8bit")
    with pytest.raises(UserError, match=r"weights=nf4 and optimizer=adamw_8bit needs .*\[bits"):
        check_precision(both, "float32", "cpu", "npo")
