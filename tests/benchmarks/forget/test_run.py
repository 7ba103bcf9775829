"""Whole runs on random weights and few rows of one's own."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite import UserError
from suite.api.cells import CellResult
from suite.config import resolve
from suite.core.errors import DoesNotFit
from suite.registry import Registry
from suite.run import pipeline

Start = Callable[..., Any]
PLACES = "Arvik Belmora Casstad Dundale Elvik Galmora".split()


def write_table(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def born(name: str, places: list[str]) -> list[dict[str, Any]]:
    return [{"question": f"Where was {name} {p} born?", "answer": f"In {p}."} for p in places]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def run(registry: Registry, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    folder = tmp_path_factory.mktemp("run")

    def start(
        data: Path, methods: str, *extra: str, do: Any = pipeline.run, **flags: str
    ) -> pipeline.Outcome:
        given = {
            "methods": methods,
            "bench": "forget",
            "data": str(data),
            "model": str(tiny_folder),
            "dtype": "float32",
            "store": str(folder / "store"),
            "out": str(folder / "out"),
            **flags,
        }
        sets = ["finetune.epochs=1", "finetune.lr=1e-3", "finetune.batch_size=4"]
        sets += ["train.epochs=2", "train.lr=1e-3", "train.batch_size=4", "train.warmup_steps=1"]
        return do(resolve(registry, None, given, [*sets, *extra], {}), registry)

    return start


def values(cell: CellResult) -> dict[str, Any]:
    assert cell.status == "ok", cell.error
    return {metric.name: metric.value for metric in cell.metrics}


def cells(outcome: pipeline.Outcome) -> dict[str, dict[str, Any]]:
    return {cell.cell.method: values(cell) for cell in outcome.results.cells}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    write_table(folder, "forget", born("Ada", PLACES[:3]))
    write_table(folder, "retain", born("Bo", PLACES[3:]))
    return folder


def test_methods_start_at_the_given_model_which_is_a_row(run: Start, mine: Path) -> None:
    found = cells(run(mine, "ga", evaluate="epochs"))
    assert list(found) == ["target", "ga"]
    for row in found.values():
        assert row["forget_quality"] is None
        assert row["membership_auc"] is None
        assert 0 < row["retain_answer_probability"] < 1
    assert found["ga"]["forget_perplexity"] > found["target"]["forget_perplexity"]


def test_the_given_model_is_asked_itself(run: Start, mine: Path) -> None:
    plan, _ = run(mine, "ga", do=pipeline.plan)
    target = plan.cells[0].final
    assert target.responses.inputs["model"].kind == "base"
    assert [stage.label for stage in plan.stages() if stage.kind == "train"] == ["ga"]


def test_a_retrain_model_is_trained_on_request(run: Start, mine: Path) -> None:
    write_table(mine, "holdout", born("Cy", PLACES))
    outcome = run(mine, "npo_rt", "forget.target=finetuned", "forget.retrain=true")
    found = cells(outcome)
    assert list(found) == ["target", "retrain", "npo_rt"]
    assert found["retrain"]["forget_quality_D"] == 0
    assert found["npo_rt"]["forget_quality_D"] > 0
    assert 0 <= found["npo_rt"]["membership_auc"] <= 1
    assert (outcome.report / "leaderboard.html").exists()


def test_without_retain_the_base_is_the_retrain_model(run: Start, mine: Path) -> None:
    (mine / "retain.jsonl").unlink()
    found = cells(run(mine, "ga", "forget.target=finetuned", "forget.retrain=true"))
    assert found["retrain"]["forget_quality_D"] == 0
    assert found["ga"]["retain_utility"] is None


def test_a_method_that_needs_an_absent_file_is_refused(run: Start, mine: Path) -> None:
    (mine / "retain.jsonl").unlink()
    with pytest.raises(DoesNotFit, match="'npo_rt' cannot run on benchmark 'forget': mine@"):
        run(mine, "npo_rt", do=pipeline.plan)
    with pytest.raises(DoesNotFit, match="holds no alternate, retain to train on"):
        run(mine, "idk_dpo", do=pipeline.plan)
    with pytest.raises(DoesNotFit):  # to name a method that fits nowhere is a mistake
        run(mine, "ga,npo_rt", do=pipeline.plan)


def test_a_row_longer_than_the_context_is_refused_while_planning(run: Start, mine: Path) -> None:
    write_table(mine, "forget", [{"question": "Who?", "answer": "x" * 600}])
    with pytest.raises(UserError, match=r"forget, row 1: 602 tokens, more than the 512"):
        run(mine, "ga", do=pipeline.plan)


def test_muses_news_are_plain_texts(run: Start, shared: Path, tmp_path: Path) -> None:
    muse = shared / "data" / "muse"
    for name, file in {"forget": "forget", "retain": "retain2", "holdout": "holdout"}.items():
        texts = json.loads((muse / f"news_privleak_{file}.json").read_text())
        write_table(tmp_path / "muse", name, [{"text": text[:400]} for text in texts[:2]])
    # Cut by characters, so that the tiny model, which spells foreign words, is quick.
    outcome = run(
        tmp_path / "muse", "ga", "forget.window=64", "forget.prefix=16", template="{prompt}",
        evaluate="final",
    )  # fmt: skip
    found = cells(outcome)
    # Random weights know nothing: about a uniform distribution over the vocabulary.
    assert math.log(found["target"]["forget_perplexity"]) == pytest.approx(math.log(1200), rel=0.3)
    assert found["ga"]["forget_perplexity"] > found["target"]["forget_perplexity"]
    ns = {metric.name: metric.n for metric in outcome.results.cells[0].metrics}
    assert ns["forget_exact_memorization"] == 2
    assert ns["membership_auc"] == 4


def test_the_loss_of_a_text_is_the_models_own(
    run: Start, tiny_folder: Path, tmp_path: Path
) -> None:
    """Against transformers: the log-probability of each token behind the first few."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    text = "Where was Ada Arvik born? In Arvik, and nobody knows it better."
    write_table(tmp_path / "one", "forget", [{"text": text}])
    outcome = run(
        tmp_path / "one", "ga", "forget.window=512", "forget.prefix=4", template="{prompt}",
        evaluate="final",
    )  # fmt: skip
    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder).eval()
    ids = torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        logps = model(ids).logits[0].log_softmax(-1)
    own = logps[3:-1].gather(1, ids[0, 4:, None]).mean()
    found = values(outcome.results.cells[0])
    assert found["forget_perplexity"] == pytest.approx(math.exp(-own.item()), rel=1e-4)
