"""Out of memory: a step is taken again in smaller parts, and ends where the whole step ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from suite import LossOutput, Message, Method, Row, UserError
from suite.core.progress import Silent
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.reference import References
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.train.encoded import encode_rows
from suite.train.job import TrainJob
from suite.train.loop import train
from suite.train.splitting import is_out_of_memory

ROWS = 8
CONFIG = TrainConfig(epochs=2, lr=1e-3, batch_size=ROWS, warmup_epochs=0.0)
FULL = "CUDA out of memory. Tried to allocate 20.00 MiB"


class Noisy(Method[None]):
    """Cross-entropy times a random number, so that chance must be put back; it remembers how many
    rows it saw. A batch of more than `room` rows does not fit."""

    name, family, roles, Config = "noisy", "unlearning", frozenset({"forget"}), type(None)

    def __init__(self, room: int = ROWS) -> None:
        super().__init__(None)
        self.room = room
        self.sizes: list[int] = []
        self.seen = 0

    def train_step(self, state: Any, micro_batches: Any) -> Any:
        self.seen += sum(len(batch["forget"].ids) for batch in micro_batches)
        self.factor = 0.5 + torch.rand(())
        return super().train_step(state, micro_batches)

    def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
        forget = batch["forget"]
        self.sizes.append(len(forget.ids))
        if len(forget.ids) > self.room:
            raise torch.OutOfMemoryError(FULL)
        return LossOutput(self.factor * forget.token_mean(-policy(forget).token_logps))

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.seen = state["seen"]


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def job(folder: Path, out: Path, method: Method[Any], **changes: Any) -> TrainJob:
    encoder = Encoder(models.load_tokenizer(folder))
    words = "May book Karvik prize red river old night She wrote".split()
    rows = [
        Row(str(i), (Message("user", words[i]),), " ".join(words[: 1 + i])) for i in range(ROWS)
    ]
    (out / "out").mkdir(parents=True)
    (out / "scratch").mkdir()
    encoded = {"forget": encode_rows(rows, encoder)}
    made = TrainJob(
        method,
        CONFIG,
        0,
        folder,
        encoded,
        References(),
        out / "out",
        out / "scratch",
        label="noisy",
    )
    return replace(made, **changes)


def norms(out: Path) -> list[float]:
    """The gradient's norm at each step."""
    lines = (out / "out/log.jsonl").read_text().splitlines()
    return [json.loads(line)["grad_norm"] for line in lines]


def weights(out: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = models.load_model(epochs_in(out / "out")[2]).state_dict()
    return found


def test_it_is_halved_until_it_fits_and_ends_in_the_same_weights(
    tiny_folder: Path, tmp_path: Path
) -> None:
    whole, small, said = Noisy(), Noisy(room=2), Said()
    train(job(tiny_folder, tmp_path / "whole", whole))
    train(job(tiny_folder, tmp_path / "small", small, progress=said))
    assert small.sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]  # the second step begins with two rows
    assert said.lines == [
        "noisy, step 1: out of memory; micro-batch 4 from here on, not 8",
        "noisy, step 1: out of memory; micro-batch 2 from here on, not 4",
    ]
    assert small.seen == whole.seen == 2 * ROWS  # not the rows of tries that failed
    assert norms(tmp_path / "small") == pytest.approx(norms(tmp_path / "whole"), rel=1e-4)
    _assert_near(tmp_path / "whole", tmp_path / "small")


def _assert_near(one: Path, other: Path) -> None:
    """AdamW moves each weight by 1e-3 in the first step, whatever the gradient's size."""
    expected, found = weights(one), weights(other)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=1e-4)


def test_a_smaller_micro_batch_is_halved_from_where_it_is(
    tiny_folder: Path, tmp_path: Path
) -> None:
    method = Noisy(room=1)
    config = replace(CONFIG, micro_batch=3, epochs=1)
    train(job(tiny_folder, tmp_path, method, config=config))
    assert method.sizes == [2, *[1] * ROWS]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"room": 0}, "noisy, step 1: out of memory with a micro-batch of a single row; docs/one_"),
        (
            {"batch_coupled": True},
            "a step of noisy cannot be cut, since its loss",
        ),
        ({"late": True}, "noisy, step 1: out of memory while the weights were being changed"),
    ],
)
def test_what_cannot_be_cut_is_said_in_one_line(
    tiny_folder: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    class Stuck(Noisy):
        batch_coupled = changes.get("batch_coupled", False)

        def train_step(self, state: Any, micro_batches: Any) -> Any:
            output = super().train_step(state, micro_batches)
            if changes.get("late"):
                raise torch.OutOfMemoryError(FULL)
            return output

    method = Stuck(room=changes.get("room", ROWS if changes.get("late") else 2))
    with pytest.raises(UserError, match=message) as caught:
        train(job(tiny_folder, tmp_path, method))
    assert "\n" not in str(caught.value)


def test_the_gradient_of_a_failed_try_is_dropped(tiny_folder: Path, tmp_path: Path) -> None:
    """Two of three parts have left their gradient when the third does not fit."""

    class Third(Noisy):
        def loss(self, policy: Any, batch: Mapping[str, Any]) -> LossOutput:
            output = super().loss(policy, batch)
            if len(self.sizes) == 3:
                raise torch.OutOfMemoryError(FULL)
            return output

    config = replace(CONFIG, micro_batch=2)
    train(job(tiny_folder, tmp_path / "whole", Noisy(), config=config))
    train(job(tiny_folder, tmp_path / "third", Third(), config=config))
    assert norms(tmp_path / "third") == pytest.approx(norms(tmp_path / "whole"), rel=1e-4)
    _assert_near(tmp_path / "whole", tmp_path / "third")


def test_other_errors_are_not_taken_for_it() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError(FULL))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape '[2]' is invalid for input of size 3"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)  # more than any machine has
    assert is_out_of_memory(caught.value)
