"""The harness's numbers, checked against the model's own log-probabilities, and taken over
whole."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.api.measured import Measured, ModelFolder
from suite.core.progress import Silent
from suite.registry import Registry
from tests.benchmarks.lm_eval.conftest import DOCS


def measured(task: str, tasks: Path, model: Path, out: Path, **options: Any) -> Measured:
    registry, engine = Registry.load(), options.get("engine", "hf")
    out.mkdir(exist_ok=True)
    asked = registry.engine(engine).Config()
    folder = ModelFolder(
        model, "cpu", "float32", engine, asked, options.get("limit"), Silent(), "a test"
    )
    LMEval = registry.benchmark("lm_eval")
    settings = LMEval.Config(task=task, include_path=str(tasks), batch_size=4)
    result = LMEval(settings).measure(folder, out)  # type: ignore[attr-defined]
    assert isinstance(result, Measured)
    return result


def choices(model: Path) -> list[tuple[int, int]]:
    """The likeliest choice of each document, and the likeliest per character, from plain forward
    passes."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, lm = (
        AutoTokenizer.from_pretrained(model),
        AutoModelForCausalLM.from_pretrained(model).eval(),
    )

    def logp(question: str, choice: str) -> float:
        start = tokenizer(question, add_special_tokens=False)["input_ids"]
        ids = tokenizer(f"{question} {choice}", add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logps = lm(torch.tensor([ids])).logits[0].log_softmax(-1)
        return sum(float(logps[i - 1, ids[i]]) for i in range(len(start), len(ids)))

    found = []
    for doc in DOCS:
        values = [logp(str(doc["question"]), choice) for choice in doc["choices"]]  # type: ignore[attr-defined]
        normed = [v / len(c) for v, c in zip(values, doc["choices"], strict=True)]  # type: ignore[call-overload]
        found.append((values.index(max(values)), normed.index(max(normed))))
    return found


def test_accuracies_are_those_of_the_models_own_log_probabilities(
    tasks: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    result = measured("acme_capitals", tasks, tiny_folder, tmp_path)
    metrics = {metric.name: metric for metric in result.scores.metrics}
    likeliest = choices(tiny_folder)
    for name, place in (("acc", 0), ("acc_norm", 1)):
        right = [
            float(pair[place] == doc["answer"]) for pair, doc in zip(likeliest, DOCS, strict=True)
        ]
        stderr = statistics.stdev(right) / len(right) ** 0.5
        metric = metrics[name]
        assert [item.value for item in result.scores.items if item.metric == name] == right
        assert (metric.value, metric.n, metric.higher_is_better) == (
            pytest.approx(statistics.mean(right)),
            13,
            True,
        )
        assert metrics[f"{name}_stderr"].value == pytest.approx(stderr)
        assert metric.ci_high == pytest.approx(statistics.mean(right) + 1.96 * stderr, abs=1e-3)
    assert {item.item_id for item in result.scores.items} == {
        f"acme_capitals/{i}" for i in range(13)
    }
    first = result.samples[0]
    chosen = DOCS[0]["choices"][likeliest[0][0]]  # type: ignore[index]
    assert (first["prompt"], first["reference"], first["generation"]) == (
        DOCS[0]["question"],
        "Karachi",
        chosen,
    )


def test_a_group_has_its_aggregate_first_and_its_tasks_as_clusters(
    tasks: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    result = measured("acme_group", tasks, tiny_folder, tmp_path)
    metrics = {metric.name: metric for metric in result.scores.metrics}
    assert result.scores.metrics[0].name == "acc"
    assert (metrics["acc"].n, metrics["acc"].n_clusters) == (26, 2)
    assert metrics["acc"].value == pytest.approx(metrics["acme_books/acc"].value)
    assert {item.cluster_id for item in result.scores.items} == {"acme_books", "acme_capitals"}


def test_generated_answers_keep_each_filter(tasks: Path, tiny_folder: Path, tmp_path: Path) -> None:
    result = measured("acme_text", tasks, tiny_folder, tmp_path, limit=3)
    names = [metric.name for metric in result.scores.metrics if metric.higher_is_better]
    assert names == ["exact_match (strict)", "exact_match (lower)"]
    assert len(result.samples) == 3
    assert set(result.samples[0]["scores"]) == set(names)  # type: ignore[arg-type]
    log = [
        json.loads(line) for line in (tmp_path / "harness_samples.jsonl").read_text().splitlines()
    ]
    texts = [line["resps"][0][0].strip() for line in log if line["filter"] == "strict"]
    assert [str(sample["generation"]).strip() for sample in result.samples] == texts
    kept = json.loads((tmp_path / "harness.json").read_text())
    assert kept["n-samples"]["acme_text"] == {"original": 13, "effective": 3}


def test_penalties_of_a_models_generation_settings_are_left_out(
    tiny_folder: Path, tmp_path: Path
) -> None:
    from lm_eval.api.instance import Instance
    from suite_benchmarks.lm_eval import harness

    other = shutil.copytree(tiny_folder, tmp_path / "other")
    path = other / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"repetition_penalty": 50.0}))
    Config = Registry.load().benchmark("lm_eval").Config
    answers = []
    for folder in (tiny_folder, other):
        model = ModelFolder(folder, "cpu", "float32", "hf", None, None, Silent(), "a test")
        asked = ("May wrote", {"max_gen_toks": 12, "do_sample": False, "until": []})
        request = Instance("generate_until", {}, asked, 0)
        answers.append(harness._loaded(Config(batch_size=1), model).generate_until([request]))
    assert answers[0] == answers[1]


def test_the_harness_asks_with_the_run_s_day_and_no_id_that_is_no_token(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """A dated chat template gives the same prompt whatever the day; padded rows are likely here."""
    from lm_eval.api.instance import Instance
    from suite_benchmarks.lm_eval import harness

    from suite.model import folder as models
    from suite.model.chat import keep_date

    tokenizer = models.load_tokenizer(tiny_folder)
    tokenizer.chat_template = "{{ strftime_now('%d %b %Y') }}{{ messages[0].content }}"
    model = models.load_model(tiny_folder)
    known = len(tokenizer)
    model.resize_token_embeddings(known + 10)
    with torch.no_grad():
        model.get_output_embeddings().weight[known:] *= 50.0
    models.save_model(model, tokenizer, tmp_path)
    keep_date(tmp_path, "2025-12-31")
    Config = Registry.load().benchmark("lm_eval").Config
    folder = ModelFolder(tmp_path, "cpu", "float32", "hf", None, None, Silent(), "a test")
    loaded = harness._loaded(Config(batch_size=1), folder)
    said = loaded.apply_chat_template([{"role": "user", "content": " Hi"}])
    assert said == "31 Dec 2025 Hi"
    request = ("May wrote", {"max_gen_toks": 12, "do_sample": False, "until": []})
    seen: list[int] = []
    generate = loaded.model.generate

    def noted(*args: Any, **options: Any) -> Any:
        found = generate(*args, **options)
        seen.extend(found[0].tolist())
        return found

    loaded.model.generate = noted
    loaded.generate_until([Instance("generate_until", {}, request, 0)])
    assert len(seen) > 4
    assert max(seen) < known
