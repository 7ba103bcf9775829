"""Sequence KL against its closed form on a bigram model, the log-ratio estimate, and plain full
logits."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from suite.model import folder as models
from suite.model import logprobs
from suite.model.kl import sequence_kl

WORDS = 4
PROMPT = (0,)


def bigram_model(logits: Tensor) -> LlamaForCausalLM:
    """A Llama without layers that predicts softmax(logits[previous token])."""
    config = LlamaConfig(
        vocab_size=WORDS,
        hidden_size=WORDS,
        intermediate_size=WORDS,
        num_hidden_layers=0,
        num_attention_heads=1,
        tie_word_embeddings=False,
        rms_norm_eps=0.0,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(WORDS))
        model.lm_head.weight.copy_(
            logits.T / WORDS**0.5
        )  # RMSNorm turns a unit vector into sqrt(d) times itself
    return model


@pytest.fixture
def tables() -> tuple[Tensor, Tensor]:
    """Logits of the next word after each word: of a policy and of a reference."""
    generator = torch.Generator().manual_seed(7)
    return torch.randn(WORDS, WORDS, generator=generator), torch.randn(
        WORDS, WORDS, generator=generator
    )


def test_every_step_has_the_divergence_of_its_two_rows(tables: tuple[Tensor, Tensor]) -> None:
    policy, reference = (table.double().log_softmax(-1) for table in tables)
    rows = (policy.exp() * (policy - reference)).sum(-1)
    found = sequence_kl(*map(bigram_model, tables), [PROMPT, (3, 2)], [(1, 2, 3), (2,)], pad_id=0)
    torch.testing.assert_close(
        found.double(), torch.stack([rows[0] + rows[1] + rows[2], rows[2]]), rtol=1e-5, atol=1e-6
    )


def test_its_mean_over_all_answers_is_the_divergence_of_whole_answers(
    tables: tuple[Tensor, Tensor],
) -> None:
    answers = list(product(range(WORDS), repeat=3))
    policy, reference = (
        torch.tensor(
            [
                sum(float(logps[a, b]) for a, b in zip((*PROMPT, *y), y, strict=False))
                for y in answers
            ]
        )
        for logps in (table.log_softmax(-1) for table in tables)
    )
    per_answer = sequence_kl(*map(bigram_model, tables), [PROMPT] * len(answers), answers, pad_id=0)
    estimate = policy - reference  # the log-ratio, whose mean under the policy is the divergence
    torch.testing.assert_close(policy.exp() @ per_answer, policy.exp() @ estimate)
    assert (per_answer >= 0).all() and (estimate < 0).any()

    def variance(values: Tensor) -> Tensor:
        return policy.exp() @ values**2 - (policy.exp() @ values) ** 2

    assert variance(per_answer) < variance(estimate)


def test_batches_and_chunks_change_nothing(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, reference = models.load_model(tiny_folder), models.load_model(tiny_folder)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    prompts, continuations = [(5, 6, 7), (5, 9), (8,) * 6], [(4, 3, 1), (2, 1), (7,) * 5]
    expected = []
    for prompt, continuation in zip(prompts, continuations, strict=True):
        ids = torch.tensor([[*prompt, *continuation]])
        log_p, log_ref = (
            model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1).detach()
            for model in (policy, reference)
        )
        expected.append((log_p.exp() * (log_p - log_ref)).sum())
    monkeypatch.setattr(logprobs, "CHUNK_ELEMENTS", 2 * policy.config.vocab_size)
    for batch_tokens in (1, 4096):
        found = sequence_kl(
            policy, reference, prompts, continuations, pad_id=0, batch_tokens=batch_tokens
        )
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)


def test_a_policy_is_at_no_distance_from_itself(tiny_folder: Path) -> None:
    model = models.load_model(tiny_folder)
    assert sequence_kl(model, model, [(5, 6)], [(7, 8, 1)], pad_id=0).tolist() == [0.0]


def test_a_continuation_without_tokens_is_refused(tables: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match="continuation 1 has no tokens"):
        sequence_kl(*map(bigram_model, tables), [PROMPT] * 2, [(1,), ()], pad_id=0)
