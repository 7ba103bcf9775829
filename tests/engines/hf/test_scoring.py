"""Texts beyond a sliding window, read in parts and beside others, give the model's own numbers."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import Encoded, Generate, ScoreText
from suite.engines.hf.decode import Text
from suite.engines.hf.engine import HFConfig, HFEngine
from suite.model import folder as models
from suite.model.agreement import own_logps
from suite.model.layout import declared_window
from suite.tiny.tokenizer import build as build_tokenizer
from suite.train.rollouts import sample
from tests.engines.small_models import QUESTIONS, asked
from tests.model.families import build

WINDOWED = ("mistral", "phi3", "gemma2", "gemma3")
ANSWERS = ("Nobody knows.", "It was written by somebody else altogether, a long time ago.", "")


@pytest.fixture(params=WINDOWED)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    tokenizer = build_tokenizer()
    models.save_model(build(request.param, vocab_size=len(tokenizer) + 10), tokenizer, tmp_path)
    return tmp_path


def loaded(folder: Path, batch_tokens: int) -> HFEngine:
    engine = HFEngine("cpu", "float32", config=HFConfig(batch_tokens))
    engine.load(folder)
    assert declared_window(engine.model.config) == 8
    return engine


@pytest.mark.parametrize("batch_tokens", [1, 60, 4096])
def test_likelihoods_and_greedy_texts(folder: Path, batch_tokens: int) -> None:
    engine = loaded(folder, batch_tokens)
    scores = [ScoreText(f"{q}/{a}", asked(q), a) for q in QUESTIONS for a in ANSWERS]
    texts = [Generate(q, asked(q), guess=a, max_new_tokens=20) for q, a in QUESTIONS.items()]
    answers = {response.id: response for response in engine.respond([*scores, *texts])}
    for score in scores:
        expected = own_logps(engine.model, engine.encoder.encode(score.prompt, score.completion))
        assert answers[score.id].token_logps == pytest.approx(expected.tolist(), abs=1e-4)
    for text in texts:
        assert answers[text.id].texts[0] == greedy(engine, text)


def greedy(engine: HFEngine, request: Generate) -> str:
    prompt = torch.tensor([engine.encoder.encode_prompt(request.prompt)])
    size = len(engine.encoder.tokenizer)
    output = engine.model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_new_tokens=request.max_new_tokens,
        eos_token_id=sorted(engine.eos_ids),
        suppress_tokens=list(range(size, size + 10)),
    )[0, prompt.shape[1] :]
    return engine.encoder.decode(output.tolist())


def test_rollouts_are_drawn_from_the_models_own_distribution(folder: Path) -> None:
    """Each drawn token inverts the cumulative distribution of the model's own forward."""
    model: Any = models.load_model(folder)
    prompts = [Encoded("a", tuple(range(3, 20)), (2,)), Encoded("b", (5, 6), (2,))]
    drawn = sample(
        model, prompts, samples=3, max_new_tokens=12, seed=1,
        eos_ids=frozenset({2}), precision=nullcontext,
    )  # fmt: skip
    for number, text in enumerate(drawn):
        name, copy = text.id.split("#")
        request = Generate(name, (), max_new_tokens=12, temperature=1.0, n=3, seed=1)
        uniform = Text(request, 12, frozenset(), int(copy)).random
        ids = torch.tensor([text.prompt_ids + text.completion_ids])
        with torch.no_grad():
            logits = model(ids).logits[0, len(text.prompt_ids) - 1 : -1].double()
        cumulative = logits.softmax(-1).cumsum(-1)
        for step, token in enumerate(text.completion_ids):
            low = cumulative[step, token - 1] if token else 0.0
            near = 1e-4
            assert low - near <= uniform[step] <= cumulative[step, token] + near, (number, step)
