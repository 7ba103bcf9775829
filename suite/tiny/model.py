"""The embedded default model: a small Llama that learns the generated world in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suite.tiny.tokenizer import MAX_LENGTH

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SIZES = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}


def config(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    """Architecture for the tokenizer's vocabulary."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=len(tokenizer),
        **SIZES,
        max_position_embeddings=MAX_LENGTH,
        initializer_range=0.08,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def initial_model(tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> LlamaForCausalLM:
    """Random weights, drawn from `seed` without touching torch's global generator."""
    import torch
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config(tokenizer))
