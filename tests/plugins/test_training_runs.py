"""Methods that keep more than weights, in whole training runs: what is delivered, and
interruptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from plugin_bench import fresh_model, make, rows

from suite import Method, UserError
from suite.api.data import Encoded
from suite.model import folder as models
from suite.model.reference import References
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.tiny.tokenizer import build
from suite.train.job import TrainJob
from suite.train.loop import train

CONFIG = TrainConfig(epochs=2, lr=1e-2, batch_size=3, warmup_epochs=0.0)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    models.save_model(fresh_model(), build(), folder)
    return folder


def job(
    start: Path, references: Mapping[str, References], folder: Path, name: str, **changes: Any
) -> TrainJob:
    method = make(name)
    given = References()
    for role in method.roles - {"retain"}:
        given._logps |= references[role]._logps if method.needs_reference else {}
    (folder / "out").mkdir(parents=True)
    (folder / "scratch").mkdir()
    roles = {role: items for role, items in rows().items() if role in method.roles}
    made = TrainJob(method, CONFIG, 0, start, roles, given, folder / "out", folder / "scratch")
    return replace(made, checkpoint_seconds=0.0, rewarder=small_tokens, **changes)


def small_tokens(texts: Sequence[Encoded]) -> list[float]:
    """A reward: the share of tokens below half of the vocabulary."""
    return [sum(i < 12 for i in text.completion_ids) / len(text.completion_ids) for text in texts]


def weights(folder: Path, epoch: int) -> bytes:
    return (epochs_in(folder / "out")[epoch] / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    "name", ["alt_po", "bco", "grpo", "pdu", "ppo", "reward_model", "rloo", "rmu", "task_vector"]
)
def test_an_interrupted_run_ends_in_the_same_bytes(
    start: Path, all_references: Mapping[str, References], tmp_path: Path, name: str
) -> None:
    class Stop(Exception):
        pass

    def stop(step: int, metrics: Mapping[str, float]) -> None:
        if step == 3:
            raise Stop

    train(job(start, all_references, tmp_path / "whole", name))
    cut = job(start, all_references, tmp_path / "cut", name, on_step=stop)
    with pytest.raises(Stop):
        train(cut)
    train(replace(cut, method=make(name), on_step=lambda step, metrics: None))
    for epoch in (1, 2):
        assert weights(tmp_path / "whole", epoch) == weights(tmp_path / "cut", epoch)
    assert (tmp_path / "whole/out/log.jsonl").read_text() == (
        tmp_path / "cut/out/log.jsonl"
    ).read_text()


def test_every_epoch_of_a_task_vector_is_negated(
    start: Path, all_references: Mapping[str, References], tmp_path: Path
) -> None:
    """Epoch k delivers theta_0 - (theta_k - theta_0), and theta_k is what training goes on from."""
    negated = make("task_vector")

    class FineTuned(type(negated)):  # type: ignore[misc]
        result = Method.result

    train(job(start, all_references, tmp_path / "negated", "task_vector"))
    train(
        job(
            start,
            all_references,
            tmp_path / "tuned",
            "task_vector",
            method=FineTuned(negated.config),
        )
    )
    before = models.load_model(start).state_dict()
    for epoch in (1, 2):
        tuned, delivered = (
            models.load_model(epochs_in(tmp_path / kind / "out")[epoch]).state_dict()
            for kind in ("tuned", "negated")
        )
        for key, theta in before.items():
            torch.testing.assert_close(delivered[key], 2 * theta - tuned[key], rtol=1e-4, atol=1e-5)


def test_task_vector_refuses_lora(
    start: Path, all_references: Mapping[str, References], tmp_path: Path
) -> None:
    made = job(start, all_references, tmp_path, "task_vector")
    with pytest.raises(UserError, match="task_vector.lora_rank to 0"):
        train(replace(made, config=replace(CONFIG, lora_rank=2)))
