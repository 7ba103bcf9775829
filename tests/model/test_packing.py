"""Packed texts: every token in its place, nothing sees what it must not."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.api.data import Encoded
from suite.model.batch import collate
from suite.model.folder import load_model
from suite.model.logprobs import LMPolicy
from suite.model.packing import pack

IDS = st.lists(st.integers(5, 50), min_size=1, max_size=40).map(tuple)
TEXTS = st.tuples(
    st.lists(st.integers(5, 9), max_size=6).map(tuple),
    st.lists(st.tuples(IDS, IDS), min_size=1, max_size=9),
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


def test_equal_texts_stand_once_and_gradients_add_up(tiny_folder: Path) -> None:
    """Six pairs of four answers: what each of the twelve texts says alone, and the gradient of
    their sum."""
    policy = LMPolicy(load_model(tiny_folder))
    answers = [Encoded(str(i), (5, 6, 7), (8 + i, 9, 12)[: 2 + i % 2]) for i in range(4)]
    texts = [answer for pair in combinations(answers, 2) for answer in pair]
    assert pack(texts, pad_id=0).input_ids.numel() == pack(answers, pad_id=0).input_ids.numel()

    def measured(*batches: list[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
        policy.model.zero_grad()
        logps = torch.cat([policy(collate(batch, 0)).logps for batch in batches])
        logps.sum().backward()
        return logps.detach(), policy.model.get_input_embeddings().weight.grad.clone()

    for together, alone in zip(measured(texts), measured(*([text] for text in texts)), strict=True):
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
