"""What a training run samples are tokens, also where the vocabulary is padded beyond them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import Encoded, LossOutput, Method, TrainState
from suite.model import folder as models
from suite.model.reference import References
from suite.settings import TrainConfig
from suite.tiny.tokenizer import build as build_tokenizer
from suite.train.job import TrainJob
from suite.train.loop import train
from suite.train.rollouts import sample
from tests.model.families import build

PADDED = 40
ROWS = [Encoded("a", (5, 6, 7), (8, 2)), Encoded("b", (9, 10), (11, 2))]


class Keeps(Method[None]):
    """Samples before it trains."""

    name, family, roles = "keeps_test", "unlearning", frozenset({"forget"})
    Config = type(None)

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        model: Any = state.policy.model  # type: ignore[attr-defined]
        self.with_padding, self.drawn = (
            drawn_ids(model, unknown) for unknown in ((), state.unknown_ids)
        )

    def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
        texts = batch["forget"]
        return LossOutput(texts.token_mean(-policy(texts).token_logps))


def drawn_ids(model: Any, unknown: Sequence[int]) -> set[int]:
    texts = sample(
        model, ROWS, samples=20, max_new_tokens=10, seed=1,
        eos_ids=frozenset({2}), precision=nullcontext, unknown=unknown,
    )  # fmt: skip
    return {id for text in texts for id in text.completion_ids}


@pytest.fixture
def padded(tmp_path: Path) -> Path:
    tokenizer = build_tokenizer()
    model = build("llama2", vocab_size=len(tokenizer) + PADDED, tie_word_embeddings=False)
    with torch.no_grad():
        model.get_output_embeddings().weight[-PADDED:] *= 3  # likely, as in the case that was seen
    models.save_model(model, tokenizer, tmp_path / "model")
    return tmp_path / "model"


def test_no_id_beyond_the_tokenizer_is_drawn_in_training(padded: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    method = Keeps(None)
    config = TrainConfig(epochs=1, batch_size=2)
    roles = {"forget": ROWS}
    train(
        TrainJob(method, config, 0, padded, roles, References(), tmp_path / "out", tmp_path / "s")
    )
    size = len(build_tokenizer())
    assert max(method.with_padding) >= size
    assert max(method.drawn) < size
