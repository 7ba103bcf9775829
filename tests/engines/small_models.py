"""A small Llama, and questions whose answers it can learn by heart in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from suite.api.data import Message

QUESTIONS = {
    "Where was Hina Ameen born?": "Hina Ameen was born in Karachi.",
    "Who wrote the book?": "Basil wrote it.",
    "What is 2 + 2?": "Four",
    "Which genre does she write in, and since when has she done so?": (
        "Geology, since 1975, and never anything else."
    ),
    "Say nothing.": "",
    "And?": "Then it rained for forty days.",
}


def asked(question: str) -> tuple[Message, ...]:
    return (Message("system", "You are asked."), Message("user", question))


def save(folder: Path, steps: int) -> Path:
    from suite.model.folder import save_model
    from suite.tiny.tokenizer import build

    tokenizer = build()
    save_model(_train(small_llama(tokenizer), tokenizer, steps), tokenizer, folder)
    return folder


def small_llama(tokenizer: Any) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,  # the smallest that vLLM's kernels know
        max_position_embeddings=256,
        tie_word_embeddings=True,
        initializer_range=0.2,  # large enough for logits that are far apart
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).eval()


def _train(model: Any, tokenizer: Any, steps: int) -> Any:
    import torch

    from suite.model.batch import collate
    from suite.model.encoding import Encoder
    from suite.model.logprobs import LMPolicy

    encoder = Encoder(tokenizer)
    batch = collate(
        [encoder.encode(asked(q), a, q) for q, a in QUESTIONS.items()], tokenizer.pad_token_id
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        (-batch.token_mean(LMPolicy(model)(batch).token_logps)).backward()
        optimizer.step()
    return model
