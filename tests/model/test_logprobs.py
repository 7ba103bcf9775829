"""Completion-only, chunked log-probabilities against the plain way: full logits, log_softmax,
gather."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite import Message
from suite.api.data import Encoded
from suite.model import folder as models
from suite.model import logprobs
from suite.model.batch import TextBatch, collate
from suite.model.encoding import Encoder

TEXTS = [
    ("Who?", "Nobody."),
    ("Where was she born in May?", "In Karvik, on 12 May."),
    ("Hm", "A b c d e f g h."),
]


@pytest.fixture(scope="module")
def model(tiny_folder: Path) -> torch.nn.Module:
    return models.load_model(tiny_folder)


@pytest.fixture(scope="module")
def texts(tiny_folder: Path) -> list[Encoded]:
    encoder = Encoder(models.load_tokenizer(tiny_folder))
    return [encoder.encode((Message("user", q),), a, str(i)) for i, (q, a) in enumerate(TEXTS)]


def plain_logps(model: torch.nn.Module, text: Encoded) -> torch.Tensor:
    """One text alone, no padding, all logits."""
    ids = torch.tensor([text.prompt_ids + text.completion_ids])
    logps = model(input_ids=ids).logits.float().log_softmax(-1)
    predicted = logps[0, len(text.prompt_ids) - 1 : -1]
    return predicted.gather(1, torch.tensor(text.completion_ids)[:, None])[:, 0]


def batch_of(texts: list[Encoded]) -> TextBatch:
    return collate(texts, pad_id=0)


def test_padded_batch_equals_each_text_alone(model: torch.nn.Module, texts: list[Encoded]) -> None:
    scored = logprobs.LMPolicy(model)(batch_of(texts))
    alone = [plain_logps(model, text) for text in texts]
    torch.testing.assert_close(scored.token_logps, torch.cat(alone), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        scored.logps, torch.stack([a.sum() for a in alone]), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(
        scored.mean_logps, torch.stack([a.mean() for a in alone]), rtol=1e-5, atol=1e-5
    )


def test_chunks_change_neither_value_nor_gradient(
    model: torch.nn.Module, texts: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    def value_and_gradient() -> tuple[torch.Tensor, torch.Tensor]:
        model.zero_grad()
        scored = logprobs.LMPolicy(model)(batch_of(texts)).token_logps
        scored.sum().backward()
        return scored.detach(), model.get_output_embeddings().weight.grad.clone()

    whole = value_and_gradient()
    monkeypatch.setattr(logprobs, "CHUNK_ELEMENTS", 3 * model.config.vocab_size)
    chunked = value_and_gradient()
    torch.testing.assert_close(chunked[0], whole[0])
    torch.testing.assert_close(chunked[1], whole[1], rtol=1e-4, atol=1e-4)


def test_reference_kl_is_zero_at_the_start_and_positive_after_a_change(
    tiny_folder: Path, texts: list[Encoded]
) -> None:
    model = models.load_model(tiny_folder)
    head = logprobs.head_of(model).weight.detach().clone()
    batch = batch_of(texts)
    batch.reference_hidden = logprobs.completion_hidden(model, batch).detach()
    policy = logprobs.LMPolicy(model, head)
    assert policy(batch).reference_kl().abs().max() < 1e-5
    reference = policy(batch).logits.detach()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    scored = policy(batch)
    expected = torch.nn.functional.kl_div(
        scored.logits.log_softmax(-1), reference.log_softmax(-1), log_target=True, reduction="none"
    ).sum(-1)
    assert expected.min() > 0
    torch.testing.assert_close(scored.reference_kl(), expected, rtol=1e-4, atol=1e-6)


def test_pad_equal_to_eos_hides_nothing(model: torch.nn.Module, texts: list[Encoded]) -> None:
    eos = texts[0].completion_ids[-1]
    scored = logprobs.LMPolicy(model)(collate(texts, pad_id=eos))
    torch.testing.assert_close(
        scored.token_logps, logprobs.LMPolicy(model)(batch_of(texts)).token_logps
    )


def test_projection_check_refuses_a_model_that_scales_its_logits(tiny_folder: Path) -> None:
    from suite.core.errors import UserError

    model = models.load_model(tiny_folder)
    logprobs.check_projection(model)
    original = model.forward

    def scaled(*args: object, **kwargs: object) -> object:
        output = original(*args, **kwargs)
        output.logits = output.logits * 0.5
        return output

    model.forward = scaled
    with pytest.raises(UserError, match="other logits than its hidden states"):
        logprobs.check_projection(model)


def test_a_joint_pass_gives_the_numbers_and_gradients_of_separate_ones(
    tiny_folder: Path, texts: list[Encoded]
) -> None:
    def value_and_gradients(joint: bool) -> list[torch.Tensor]:
        policy = logprobs.LMPolicy(models.load_model(tiny_folder))
        batches = batch_of(texts[:1]), batch_of(texts[1:])
        scored = policy.joint(*batches) if joint else [policy(batch) for batch in batches]
        loss = scored[0].logps.sum() - 2 * scored[1].mean_logps.sum()
        loss.backward()
        return [
            *(s.token_logps.detach() for s in scored),
            *(p.grad for p in policy.model.parameters()),
        ]

    for together, apart in zip(value_and_gradients(True), value_and_gradients(False), strict=True):
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)
