"""Small models of the families that people use: their own classes, few and random
weights."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

import suite.model.attention  # noqa: F401  registers ATTENTION
from suite.model.hardware import ATTENTION

VOCABULARY = 128
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "initializer_range": 0.4,
}
GPT2 = {
    "vocab_size": VOCABULARY,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 256,
    "initializer_range": 0.4,
}
OPT = SMALL | {"ffn_dim": 32, "word_embed_proj_dim": 16, "init_std": 0.4}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama2": ("llama", {"num_key_value_heads": 4}),
    "llama3": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 500000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral": ("mistral", {"sliding_window": 8}),
    "gemma": ("gemma", {}),
    "gemma2": (
        "gemma2",
        {"sliding_window": 8, "final_logit_softcapping": 3.0, "attn_logit_softcapping": 1.0},
    ),
    "gemma3": ("gemma3_text", {"sliding_window": 8, "num_hidden_layers": 6}),
    "qwen2.5": ("qwen2", {}),
    "qwen3": ("qwen3", {}),
    "phi3": ("phi3", {"sliding_window": 8, "pad_token_id": 0}),
    "gpt2": ("gpt2", GPT2),
    "gpt_neox": ("gpt_neox", {}),
    "opt": ("opt", OPT),
    "olmo2": ("olmo2", {}),
    "granite": ("granite", {"logits_scaling": 4.0}),
    "cohere": ("cohere", {"logit_scale": 0.25}),
}


def build(family: str, **changes: Any) -> Any:
    """A model of the family, the same at every call; with our attention, as in every run."""
    kind, own = FAMILIES[family]
    settings = (own if kind == "gpt2" else SMALL | own) | changes
    config = AutoConfig.for_model(kind, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return AutoModelForCausalLM.from_config(config, attn_implementation=ATTENTION).eval()
