"""Texts side by side, or a row each: every family gives the numbers of its own forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from suite.api.data import Encoded
from suite.model import folder as models
from suite.model.batch import collate
from suite.model.layout import ANY_LENGTH, window_of
from suite.model.logprobs import LMPolicy, check_projection
from tests.model.families import FAMILIES, build

TEXTS = [
    Encoded("long", tuple(range(3, 23)), tuple(range(30, 50))),
    Encoded("short", (3, 4, 5), (60, 61, 2)),
    Encoded("other", (3, 4, 9, 9), (70, 2)),
]
WINDOWS = {"mistral": 8, "gemma2": 8, "gemma3": 8, "phi3": 8}


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Saved and loaded as every model of a run."""
    build(request.param).save_pretrained(tmp_path)
    loaded = models.load_model(tmp_path)
    loaded.family = request.param
    return loaded


def own_logps(model: Any, text: Encoded) -> torch.Tensor:
    """By the model's own forward on that text alone."""
    ids = torch.tensor([text.prompt_ids + text.completion_ids])
    logps = model(input_ids=ids).logits.float().log_softmax(-1)[0, len(text.prompt_ids) - 1 : -1]
    return logps.gather(1, torch.tensor(text.completion_ids)[:, None])[:, 0]


def test_log_probabilities_are_the_models_own(model: Any) -> None:
    check_projection(model)
    assert window_of(model) == WINDOWS.get(model.family, ANY_LENGTH)
    for texts in (TEXTS, TEXTS[1:]):
        ours = LMPolicy(model)(collate(texts, 0)).token_logps
        own = torch.cat([own_logps(model, text) for text in texts])
        torch.testing.assert_close(ours, own, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", ["gemma2", "granite", "cohere"])
def test_gradients_and_the_reference_pass_the_models_own_scaling(family: str) -> None:
    model = build(family)
    batch = collate(TEXTS[1:], 0)
    LMPolicy(model)(batch).logps.sum().backward()
    ours = model.get_input_embeddings().weight.grad.clone()
    model.zero_grad()
    torch.stack([own_logps(model, text).sum() for text in TEXTS[1:]]).sum().backward()
    torch.testing.assert_close(ours, model.get_input_embeddings().weight.grad, rtol=1e-3, atol=1e-4)
    scored = LMPolicy(model, model.get_output_embeddings().weight.detach())(batch)
    batch.reference_hidden = scored.hidden.detach()
    torch.testing.assert_close(scored.reference_logits, scored.logits)
    assert scored.reference_kl().abs().max() < 1e-5
