"""The base model's answers to a whole benchmark from an OpenAI-compatible endpoint, kept in the
store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from suite.api.requests import Generated, TextScore
from suite.plan.reading import Reading
from suite.plan.text_stages import TextStages
from suite.registry import Registry
from suite.run.kinds import open_context
from suite.settings import RunConfig
from suite.stages.responses import read_responses
from suite.store import Store
from tests.servers.openai_server import FolderModel, OpenAIServer


def stages(engine: str, model: Path, data: Path, settings: dict[str, Any]) -> TextStages:
    sections = (
        {"openai": settings, "tofu": {"retain_authors": 2}}
        if settings
        else {"tofu": {"retain_authors": 2}}
    )
    config = RunConfig(
        engine=engine,
        model=str(model),
        data=str(data),
        limit=1,
        dtype="float32",
        device="cpu",
        sections=sections,
    )
    registry = Registry.load()
    benchmark = registry.benchmark("tofu")
    made = benchmark(benchmark.Config(retain_authors=2))
    return TextStages(Reading(open_context(config, registry), made, "forget10"))


def test_the_endpoint_answers_for_the_base_model_once(
    tiny_folder: Path, world_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with OpenAIServer(FolderModel(tiny_folder), key="sk-secret") as server:
        settings = {"base_url": server.url, "model": server.name}
        asking = stages("openai", tiny_folder, world_folder, settings)
        asking.context.engine.check(asking.requests)
        store = Store(tmp_path / "store", builder=asking.context.build)
        responses = read_responses(store.ensure(asking.respond(asking.base, None, "base")))
        asked = len(server.seen)
        assert asked == 1 + len(asking.requests)
        again = stages("openai", tiny_folder, world_folder, settings)
        store.ensure(again.respond(again.base, None, "base"))
        assert len(server.seen) == asked
    local = stages("hf", tiny_folder, world_folder, {})
    store = Store(tmp_path / "store", builder=local.context.build)
    expected = read_responses(store.ensure(local.respond(local.base, None, "base")))
    assert responses.keys() == expected.keys()
    for id, response in responses.items():
        known = expected[id]
        if isinstance(response, TextScore):
            logps = TextScore.of(known).token_logps
            assert response.token_logps == pytest.approx(logps, abs=1e-3)
        else:
            assert Generated.of(response).texts == Generated.of(known).texts
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"sk-secret" in p.read_bytes()]


def test_a_prompting_method_pays_for_every_answer_once(
    tiny_folder: Path, world_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with OpenAIServer(FolderModel(tiny_folder), key="sk-secret") as server:
        settings = {"base_url": server.url, "model": server.name, "concurrency": 1}

        def ensure() -> TextStages:
            asking = stages("openai", tiny_folder, world_folder, settings)
            cls = asking.context.registry.method("zero_shot")
            method = cls(cls.Config(instruction="Answer in a few words."))
            store = Store(tmp_path / "store", builder=asking.context.build)
            answers = store.ensure(asking.respond(asking.base, method, "zero_shot"))
            assert len(read_responses(answers)) == len(asking.requests)
            return asking

        monkeypatch.setenv("SUITE_FAULT", "respond.remembered:5=raise")
        with pytest.raises(RuntimeError, match="fault planned"):
            ensure()
        assert len(list((tmp_path / "store" / "scratch").rglob("asked.jsonl"))) == 1
        monkeypatch.delenv("SUITE_FAULT")
        asking = ensure()
        looks = 2  # each start asks once whether the model is there
        assert len(server.seen) <= looks + len(asking.requests) + 1  # one was on its way
    assert not list((tmp_path / "store").rglob("asked.jsonl"))
