"""The plan on paper of a 70B model says what the formulas of `suite plan` give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suite.model.memory import Passes, answering_bytes, training_bytes
from suite.model.shape import Shape
from suite.settings import TrainConfig

PAGE = Path(__file__).parent.parent.parent / "docs/how-to/many-gpus.md"
HIDDEN, MIDDLE, LAYERS, VOCABULARY, KEYS = 8192, 28672, 80, 128256, 1024
LINEAR = LAYERS * (2 * HIDDEN * HIDDEN + 2 * HIDDEN * KEYS + 3 * HIDDEN * MIDDLE)
SHAPE = Shape(
    matrices=LINEAR + 2 * VOCABULARY * HIDDEN,
    vectors=(2 * LAYERS + 1) * HIDDEN,
    hidden=HIDDEN,
    feed_forward=MIDDLE,
    layers=LAYERS,
    heads=64,
    vocabulary=VOCABULARY,
    tied=False,
    stored=2 * LINEAR,
)
PASSES = Passes("bfloat16", "cuda", tokens=1024, predicted=640)
"""Eight texts of forget and eight of retain, as of TOFU's length."""
GIGABYTE = 10**9


@pytest.mark.parametrize(
    ("row", "settings"),
    [
        ("all weights, float32", {}),
        ("all weights, `train.weights=bfloat16`", {"weights": "bfloat16"}),
        (
            "the same, `train.optimizer=adamw_8bit`",
            {"weights": "bfloat16", "optimizer": "adamw_8bit"},
        ),
        ("LoRA of rank 16", {"weights": "nf4", "lora_rank": 16}),
    ],
)
def test_the_memory_of_training(row: str, settings: dict[str, Any]) -> None:
    config = TrainConfig(gradient_checkpointing=True, **settings)
    needed = training_bytes(SHAPE, config, PASSES)
    assert said(row) == f"{needed / GIGABYTE:,.0f} GB"


def test_the_memory_of_answers() -> None:
    needed = answering_bytes(SHAPE, "bfloat16", 4096)
    assert said("answers by the engine hf") == f"{needed / GIGABYTE:,.0f} GB"


def test_hours_and_bytes() -> None:
    weights = SHAPE.parameters
    hours = 8 * weights * 1000 * 0.57e6 / (0.4 * 989e12) / 3600
    assert f"{hours:.0f} hours at" in " ".join(PAGE.read_text().split())
    assert f"{3 * 1000 * 2 * weights / 1e12:.0f} TB. At 2 GB" in PAGE.read_text()


def said(row: str) -> str:
    (line,) = [each for each in PAGE.read_text().splitlines() if each.startswith(f"| {row}")]
    return line.split("|")[2].strip()
