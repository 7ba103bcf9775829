"""What cannot be trained in shards is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from suite.core.errors import UserError
from suite.plan import shards
from suite.plan.shards import check_shards
from suite.settings import TrainConfig


@pytest.mark.parametrize(
    ("changes", "device", "said"),
    [
        ({"shards": 0}, "cpu", "npo: shards must be 1 or more, not 0"),
        ({"lora_rank": 4}, "cpu", "npo: shards=2 trains all weights: set lora_rank to 0"),
        ({"weights": "bfloat16"}, "cpu", "npo: shards=2 keeps weights in float32, not bfloat16"),
        ({"optimizer": "adamw_8bit"}, "cpu", "npo: shards=2 needs optimizer=adamw, not adamw_8bit"),
        ({}, "cuda:1", "npo: shards=2 takes a GPU each, so --device cuda:1 is wrong"),
        ({}, "cuda", "npo: shards=2, but this process sees 1 GPU"),
    ],
)
def test_one_line_says_what_does_not_go(
    changes: dict[str, Any], device: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "accelerators", lambda: [True])
    with pytest.raises(UserError) as caught:
        check_shards(TrainConfig(**{"shards": 2, **changes}), device, "npo")
    assert str(caught.value) == said


def test_what_goes_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "accelerators", lambda: [True, True])
    check_shards(TrainConfig(shards=2), "cuda", "npo")
    check_shards(TrainConfig(shards=2), "cpu", "npo")
    check_shards(TrainConfig(shards=1, lora_rank=4), "cuda:1", "npo")
