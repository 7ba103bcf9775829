"""However rows are cut, moved and joined, what is read on top of them must be what reading the
whole text gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from suite.engines.hf.rows import SPARE, Rows, SpareLayer
from suite.model.folder import load_model

TEXTS = [[5, 9, 7], [8, 30, 31, 32, 33], [40]]
NEXT = [[11, 12], [13, 14], [15, 16]]


@pytest.fixture(scope="module")
def decoder(random_folder: Path) -> Any:
    return load_model(random_folder).model


def whole(decoder: Any, text: list[int]) -> Tensor:
    with torch.inference_mode():
        hidden: Tensor = decoder(input_ids=torch.tensor([text]), use_cache=False).last_hidden_state[
            0
        ]
    return hidden


def read(decoder: Any) -> Rows:
    ids, mask = torch.zeros(3, 5, dtype=torch.long), torch.zeros(3, 5, dtype=torch.long)
    for i, text in enumerate(TEXTS):
        ids[i, : len(text)], mask[i, : len(text)] = torch.tensor(text), 1
    rows = Rows.empty(3, "cpu")
    hidden = rows.extend(decoder, ids, mask)
    for i, text in enumerate(TEXTS):
        assert torch.allclose(hidden[i, : len(text)], whole(decoder, text), atol=1e-4)
    return rows


def check(decoder: Any, rows: Rows, order: list[int]) -> None:
    hidden = rows.extend(
        decoder, torch.tensor([NEXT[i] for i in order]), torch.ones(len(order), 2, dtype=torch.long)
    )
    for row, i in zip(hidden, order, strict=True):
        assert torch.allclose(row, whole(decoder, TEXTS[i] + NEXT[i])[-2:], atol=1e-4)


@torch.inference_mode()
def test_extend(decoder: Any) -> None:
    check(decoder, read(decoder), [0, 1, 2])


@torch.inference_mode()
def test_select_repeats_reorders_and_cuts_empty_columns(decoder: Any) -> None:
    rows = read(decoder).select(torch.tensor([2, 0, 2]))
    assert rows.width == 3
    check(decoder, rows, [2, 0, 2])


@torch.inference_mode()
def test_aligned_moves_padding_to_the_left(decoder: Any) -> None:
    rows = read(decoder).aligned()
    assert rows.mask.tolist() == [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]]
    check(decoder, rows, [0, 1, 2])


@torch.inference_mode()
def test_joined_rows_of_different_width(decoder: Any) -> None:
    rows = read(decoder)
    joined = rows.select(torch.tensor([0])).joined(rows.select(torch.tensor([1, 2])))
    assert joined.width == 5
    check(decoder, joined, [0, 1, 2])
    check(decoder, rows.joined(rows.select(torch.tensor([0]))), [0, 1, 2, 0])


@torch.inference_mode()
def test_selecting_does_not_share_memory(decoder: Any) -> None:
    rows = read(decoder)
    check(decoder, rows.select(torch.arange(3)), [0, 1, 2])
    check(decoder, rows, [0, 1, 2])


def test_a_layer_grows_in_place_and_equals_concatenation() -> None:
    layer = SpareLayer()
    parts = [torch.randn(2, 3, n, 4) for n in (2, 1, SPARE, 1, 3 * SPARE, 1)]
    moved = set()
    for i, part in enumerate(parts):
        keys, values = layer.update(part, -part)
        assert torch.equal(keys, torch.cat(parts[: i + 1], dim=2))
        assert torch.equal(values, -keys)
        assert layer.get_seq_length() == keys.shape[2]
        moved.add(keys.data_ptr())
    assert len(moved) < len(parts)
