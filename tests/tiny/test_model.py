"""The tiny model: seeded weights, an ordinary folder, and settings that fit the training
configuration.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite import tiny
from suite.settings import TrainConfig
from suite.tiny.model import config, initial_model
from suite.tiny.tokenizer import build

TOKENIZER = build()


def weights(seed: int) -> torch.Tensor:
    return torch.cat(
        [parameter.flatten() for parameter in initial_model(TOKENIZER, seed).parameters()]
    )


def test_weights_are_drawn_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = weights(0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(weights(0), first)
    assert not torch.equal(weights(1), first)


def test_size_and_tokens() -> None:
    model, settings = initial_model(TOKENIZER), config(TOKENIZER)
    assert 0.5e6 < model.num_parameters() < 2e6
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert (settings.vocab_size, settings.eos_token_id) == (len(TOKENIZER), TOKENIZER.eos_token_id)
    assert settings.max_position_embeddings >= TrainConfig().max_length


def test_an_untrained_model_guesses_evenly() -> None:
    ids = torch.tensor([TOKENIZER("When and where was Anna Alova born?")["input_ids"]])
    loss = initial_model(TOKENIZER)(input_ids=ids, labels=ids).loss.item()
    assert loss == pytest.approx(torch.log(torch.tensor(float(len(TOKENIZER)))).item(), rel=0.25)


def test_a_saved_model_gives_the_same_logits(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = initial_model(TOKENIZER)
    model.save_pretrained(tmp_path)
    ids = torch.tensor([[5, 6, 7]])
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert torch.equal(loaded(input_ids=ids).logits, model(input_ids=ids).logits)


@pytest.mark.parametrize("section", [tiny.PRETRAIN, tiny.FINETUNE, tiny.TRAIN])
def test_settings_are_fields_of_the_training_configuration(section: dict[str, object]) -> None:
    settings = TrainConfig(**section)
    assert settings.epochs >= 1
    assert settings.warmup_epochs < settings.epochs
