"""Scores of answers whose metrics are known, and TOFU's own values."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.forget import Forget, ForgetConfig
from suite_benchmarks.tofu import Tofu, TofuConfig

from suite import Generate, Generated, Metric, Response, Scores, TextScore
from suite.api.data import Source
from suite.report.data import Words


def metrics(scores: Scores) -> dict[str, Metric]:
    return {metric.name: metric for metric in scores.metrics}


def value(scores: Scores, name: str) -> float | None:
    return metrics(scores)[name].value


def scored(id: str, *logps: float, greedy: str = "") -> TextScore:
    """An answer with the log-probability of each token; greedy: 1 where it is the likeliest."""
    flags = greedy or "1" * len(logps)
    return TextScore(id, logps, tuple(flag == "1" for flag in flags))


def text(id: str, words: str) -> Generated:
    return Generated(id, (words,), (True,))


def test_every_metric_has_the_value_worked_out_by_hand(mine):
    mine.tables["holdout"] = [
        {"id": "a", "question": "1?", "answer": "1."},
        {"id": "b", "question": "2?", "answer": "2."},
    ]
    mine.tables["forget"] = [{"id": 1, "question": "Who?", "answer": "Ann Lee wrote it."}]
    mine.tables["paraphrase"] = [{"id": 1, "answer": "It was Ann Lee."}]
    mine.tables["alternate"] = [{"id": 1, "answer": "Bo."}, {"id": 1, "answer": "Cy."}]
    benchmark, data = mine.load()
    given = [
        scored("forget/1/answer/0", -0.1, -0.2, -0.3, -1.0, greedy="1011"),
        scored("forget/1/paraphrase/0", -1.0, -3.0),
        scored("forget/1/alternate/0", -2.0),
        scored("forget/1/alternate/1", -4.0),
        text("forget/1/generation", "Ann wrote nothing"),
        scored("retain/1/answer/0", -0.5, -0.5),
        text("retain/1/generation", "Rome."),
        scored("holdout/a/answer/0", -0.3),
        scored("holdout/b/answer/0", -0.9),
    ]
    responses = {response.id: response for response in given}
    assert set(responses) == {request.id for request in benchmark.requests(data)}
    scores = benchmark.score(data, responses, None)
    found = {name: metric.value for name, metric in metrics(scores).items()}
    kept = math.exp(-0.5)
    assert found == {
        "forget_quality": None,
        "forget_quality_D": None,
        "forget_quality_log10p": None,
        "forget_quality_cluster_p": None,
        "forget_answer_probability": pytest.approx(math.exp(-0.4)),
        "forget_rougeL_recall": pytest.approx(2 / 4),
        "forget_truth_ratio": pytest.approx(math.exp(-1.0)),  # mean of -2, -4 against -2
        "forget_extraction_strength": pytest.approx(1 - 2 / 3),  # right from the third of three on
        "forget_exact_memorization": pytest.approx(2 / 3),
        "forget_perplexity": pytest.approx(math.exp(0.4)),
        "membership_auc": 0.5,  # -.4 is likelier than one of -.3 and -.9
        "retain_utility": pytest.approx(2 / (1 / kept + 1)),
        "retain_answer_probability": pytest.approx(kept),
        "retain_rougeL_recall": 1.0,
        "retain_perplexity": pytest.approx(1 / kept),
        "utility_answer_probability": None,
        "utility_rougeL_recall": None,
        "utility_perplexity": None,
    }
    assert metrics(scores)["utility_perplexity"].note == "no utility file"
    assert metrics(scores)["forget_quality"].note == "no retrain model"


def test_with_the_forget_file_alone_the_rest_says_why_it_is_missing(mine):
    del mine.tables["retain"]
    benchmark, data = mine.load()
    given = [scored("forget/1/answer/0", -1.0, -1.0), text("forget/1/generation", "Ann.")]
    scores = benchmark.score(data, {response.id: response for response in given}, None)
    for name, metric in metrics(scores).items():
        assert (metric.value is None) == bool(metric.note) or metric.n_clusters == 1, name
    assert metrics(scores)["retain_utility"].note == "no retain file"
    assert metrics(scores)["membership_auc"].note == "no holdout file"
    assert metrics(scores)["forget_truth_ratio"].note == "no alternate file"


def test_a_text_counts_once_and_its_end_of_sequence_tokens_not_at_all(mine):
    mine.tables["forget"] = [{"id": "t", "text": "abcdefgh"}]
    benchmark, data = mine.load(prefix=2, window=4, continues=True)
    given = [  # windows of three tokens each, with the end of sequence behind
        scored("forget/t/answer/0", -1.0, -2.0, -3.0, -50.0, greedy="1010"),
        scored("forget/t/answer/1", -1.0, -1.0, -1.0, -50.0, greedy="1110"),
        text("forget/t/generation", "cde"),
        scored("retain/1/answer/0", -1.0, -1.0),
        text("retain/1/generation", "Rome."),
    ]
    scores = benchmark.score(data, {response.id: response for response in given}, None)
    assert value(scores, "forget_answer_probability") == pytest.approx(math.exp(-9 / 6))
    assert value(scores, "forget_perplexity") == pytest.approx(math.exp(9 / 6))
    assert value(scores, "forget_exact_memorization") == pytest.approx(5 / 6)
    assert value(scores, "forget_extraction_strength") == pytest.approx((1 / 3 + 1) / 2)
    assert metrics(scores)["forget_answer_probability"].n == 1


def test_perplexity_is_one_over_all_tokens_and_the_mean_probability_one_over_all_texts(mine):
    mine.tables["forget"] = [{"question": f"{i}?", "answer": f"{i}."} for i in range(2)]
    del mine.tables["retain"]
    benchmark, data = mine.load()
    given: list[Response] = [
        scored("forget/1/answer/0", -1.0),
        scored("forget/2/answer/0", *[-3.0] * 3),
        text("forget/1/generation", ""),
        text("forget/2/generation", ""),
    ]
    scores = benchmark.score(data, {response.id: response for response in given}, None)
    assert value(scores, "forget_perplexity") == pytest.approx(math.exp(10 / 4))
    both = (math.exp(-1) + math.exp(-3)) / 2
    assert value(scores, "forget_answer_probability") == pytest.approx(both)


def test_a_collapsed_model_has_no_perplexity_and_the_note_says_why(mine):
    del mine.tables["retain"]
    benchmark, data = mine.load()
    given = [scored("forget/1/answer/0", -2000.0), text("forget/1/generation", "")]
    scores = benchmark.score(data, {response.id: response for response in given}, None)
    assert value(scores, "forget_perplexity") is None
    assert "exp(2000.0) is too large" in metrics(scores)["forget_perplexity"].note
    assert value(scores, "forget_answer_probability") == 0


def test_without_alternates_the_distance_is_that_of_the_losses(mine):
    del mine.tables["retain"]
    mine.tables["forget"] = [{"question": f"{i}?", "answer": f"{i}."} for i in range(10)]
    benchmark, data = mine.load(target="finetuned", retrain=True)

    def model(shift: int) -> dict[str, Response]:
        given: list[Response] = []
        for i in range(1, 11):
            given += [scored(f"forget/{i}/answer/0", -float(i + shift))]
            given += [text(f"forget/{i}/generation", "")]
        return {response.id: response for response in given}

    # Losses 1..10 and 4..13: below 4 lie three of ten, and none of the others.
    scores = benchmark.score(data, model(0), model(3))
    assert value(scores, "forget_quality_D") == pytest.approx(0.3)
    assert value(benchmark.score(data, model(0), model(0)), "forget_quality") == 1.0


def responses_of(benchmark: Any, data: Any, salt: str) -> dict[str, Response]:
    """Answers that depend on the texts alone, so that two benchmarks get the same ones."""
    given: dict[str, Response] = {}
    for request in benchmark.requests(data):
        named = f"{salt}\n{request.prompt[-1].content}\n{request.expected}"
        rng = random.Random(hashlib.sha256(named.encode()).hexdigest())
        if isinstance(request, Generate):
            words = [word for word in request.expected.split() if rng.random() < 0.7]
            given[request.id] = text(request.id, " ".join(words))
        else:
            number = rng.randint(3, 30)
            logps = [-rng.expovariate(1.0) for _ in range(number)]
            flags = "".join(rng.choice("1110") for _ in range(number))
            given[request.id] = scored(request.id, *logps, greedy=flags)
    return given


def own_rows_of(tofu: Path, folder: Path) -> None:
    """TOFU's tables of forget01, as a folder of own data."""

    def rows(name: str) -> list[Mapping[str, Any]]:
        return [json.loads(line) for line in (tofu / f"{name}.json").read_text().splitlines()]

    def write(name: str, table: list[dict[str, Any]]) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))

    forget, retain = rows("forget01_perturbed"), rows("retain_perturbed")
    for name, table in (("forget", forget), ("retain", retain)):
        own = []
        for i, row in enumerate(table):
            same = {"question": row["question"], "answer": row["answer"]}
            own.append({"id": f"{name}{i}", "cluster": i // 20, **same})
        write(name, own)
    right = [{"id": f"forget{i}", "answer": r["paraphrased_answer"]} for i, r in enumerate(forget)]
    write("paraphrase", right)
    wrong = []
    for i, row in enumerate(forget):
        wrong += [{"id": f"forget{i}", "answer": answer} for answer in row["perturbed_answer"]]
    write("alternate", wrong)


def test_tofus_own_rows_give_tofus_values(shared: Path, tmp_path: Path) -> None:
    tofu_folder = shared / "data" / "tofu"
    own_rows_of(tofu_folder, tmp_path / "own")
    tofu = Tofu(TofuConfig())
    tofu_data = tofu.load(Source(str(tofu_folder), "forget01", tiny=False))
    own = Forget(ForgetConfig(target="finetuned", retrain=True))
    source = Source(str(tmp_path / "own"), "default", tiny=False, tokens=Words())
    own_data = own.load(source)

    def scores(benchmark: Any, data: Any) -> dict[str, Metric]:
        unlearned = responses_of(benchmark, data, "unlearned")
        return metrics(benchmark.score(data, unlearned, responses_of(benchmark, data, "retrain")))

    expected, found = scores(tofu, tofu_data), scores(own, own_data)
    names = [name for name in expected if name in found]
    assert len(names) == 10
    for name in names:
        assert found[name] == expected[name], name
    assert found["forget_quality_cluster_p"].value == expected["forget_quality_author_p"].value
