"""Packed texts: every token in its place, nothing sees what it must not."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.packing import pack
from suite.texts import Encoded

IDS = st.lists(st.integers(5, 50), min_size=1, max_size=40).map(tuple)
TEXTS = st.tuples(
    st.lists(st.integers(5, 9), max_size=6).map(tuple), st.lists(st.tuples(IDS, IDS), min_size=1, max_size=9)
)


@given(TEXTS)
def test_every_text_can_be_read_back_through_the_mask(
    drawn: tuple[tuple[int, ...], list[tuple[tuple[int, ...], ...]]],
) -> None:
    prefix, parts = drawn
    texts = [Encoded(str(i), prefix + prompt, answer) for i, (prompt, answer) in enumerate(parts)]
    packed = pack(texts, pad_id=0)
    ids, places = packed.input_ids.flatten(), packed.position_ids.flatten()
    width = packed.input_ids.shape[1]
    start = 0
    for text in texts:
        whole = text.prompt_ids + text.completion_ids
        positions = packed.positions[start : start + len(text.completion_ids)].tolist()
        start += len(positions)
        for k, position in enumerate(positions):
            row, column = divmod(position, width)
            seen = packed.attention_mask[row, 0, column].nonzero()[:, 0] + row * width
            length = len(text.prompt_ids) + k
            assert tuple(ids[seen].tolist()) == whole[:length]
            assert places[seen].tolist() == list(range(length))


def test_what_prompts_share_stands_once() -> None:
    texts = [Encoded(str(i), (*range(100, 130), i), (7, 8, 9)) for i in range(6)]
    packed = pack(texts, pad_id=0)
    assert packed.input_ids.shape == (1, 30 + 6 * 4)
    assert torch.isin(packed.input_ids, torch.arange(100, 130)).sum() == 30
