"""Which engine answers where none is named."""

from __future__ import annotations

from typing import Any

import pytest

from suite.core.errors import UserError
from suite.engines import choice
from suite.engines.choice import pick_engine
from suite.engines.vllm import engine as vllm


@pytest.fixture(params=[True, False])
def has_vllm(request: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    def installed() -> tuple[str, str]:
        if not request.param:
            raise UserError("none")
        return "vllm", "1.0"

    monkeypatch.setattr(vllm, "installed", installed)
    return bool(request.param)


@pytest.mark.parametrize("named", ["hf", "vllm", "openai", "mine"])
def test_a_named_engine_is_taken(named: str) -> None:
    assert pick_engine(named, "cuda", "some/model") == (named, "")


def test_vllm_answers_on_a_gpu_where_it_is_installed(has_vllm: bool) -> None:
    name, why = pick_engine(choice.AUTO, "cuda:1", "some/model")
    assert name == ("vllm" if has_vllm else "hf")
    # A line says how to get the other.
    assert ("--engine hf" if has_vllm else "pip install 'suite-compare[vllm]'") in why


def test_hf_answers_on_a_cpu_and_of_the_embedded_model(has_vllm: bool) -> None:
    name, why = pick_engine(choice.AUTO, "cpu", "some/model")
    assert (name, "--engine vllm" in why) == ("hf", True)
    assert pick_engine(choice.AUTO, "cuda", "tiny")[0] == "hf"
