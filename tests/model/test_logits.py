"""What a model does to its logits is found by its own forward, and nothing of it is changed."""

from __future__ import annotations

import pytest
import torch

from suite.model.logits import finish_of
from tests.model.families import build

LOGITS = torch.linspace(-20, 20, 128).repeat(2, 1)


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("llama2", LOGITS),
        ("gemma2", 3.0 * torch.tanh(LOGITS / 3.0)),
        ("granite", LOGITS / 4.0),
        ("cohere", LOGITS * 0.25),
    ],
)
def test_closed_forms(family: str, expected: torch.Tensor) -> None:
    model = build(family)
    before = dict(model.named_modules())
    torch.testing.assert_close(finish_of(model)(LOGITS), expected)
    assert dict(model.named_modules()) == before
