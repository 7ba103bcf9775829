"""Scores of answers whose metrics are known."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest
from suite_benchmarks.tofu import Tofu, TofuConfig

from suite import (
    Generate,
    Generated,
    Response,
    TextScore,
)

PER_AUTHOR = 20


P = {  # set -> probability per token of the answer, the paraphrase and every wrong answer
    "forget": (0.6, 0.1, 0.4),
    "retain": (0.5, 0.8, 0.2),
    "real_authors": (0.4, None, 0.2),
    "world_facts": (0.3, None, 0.1),
}


def answer(benchmark, data, shift=None) -> dict[str, Response]:
    """Constant probabilities by P; on the forget set `shift(place)` nats are added to the wrong
    answers."""
    responses = {}
    for request in benchmark.requests(data):
        name, place, what = request.id.split("/", 2)
        if isinstance(request, Generate):
            text = "" if name == "forget" else request.guess
            responses[request.id] = Generated(request.id, texts=(text,), finished=(True,))
            continue
        column = {"answer": 0, "paraphrased": 1}.get(what, 2)
        logp = math.log(P[name][column])
        if column == 2 and name == "forget" and shift:
            logp += shift(int(place))
        greedy = (False, True, True, False, True, True, True, True)
        responses[request.id] = TextScore(request.id, (logp,) * 8, greedy)
    return responses


def by_name(scores):
    return {metric.name: metric for metric in scores.metrics}


@pytest.fixture
def small(copy):
    return copy.load()


def test_every_metric_has_the_value_worked_out_by_hand(small):
    benchmark, data = small
    responses = answer(benchmark, data)
    metrics = by_name(benchmark.score(data, responses, responses))
    parts = {
        "retain_answer_probability": 0.5,
        "retain_rougeL_recall": 1.0,
        "retain_truth_ratio": 1 - 0.2 / 0.8,
        "real_authors_answer_probability": 0.4 / (0.4 + 0.2),  # one wrong answer in the small copy
        "real_authors_rougeL_recall": 1.0,
        "real_authors_truth_ratio": 1 - 0.2 / 0.4,
        "world_facts_answer_probability": 0.3 / (0.3 + 0.1),
        "world_facts_rougeL_recall": 1.0,
        "world_facts_truth_ratio": 1 - 0.1 / 0.3,
    }
    expected = {
        **parts,
        "model_utility": statistics.harmonic_mean(parts.values()),
        "forget_quality": 1.0,
        "forget_quality_D": 0.0,
        "forget_quality_log10p": 0.0,
        "forget_quality_author_p": 1.0,
        "forget_answer_probability": 0.6,
        "forget_rougeL_recall": 0.0,
        "forget_truth_ratio": 0.1 / 0.4,  # TR is 4
        "forget_extraction_strength": 3 / 7,  # the last three of seven tokens: no EOS
        "forget_exact_memorization": 5 / 7,
    }
    assert {name: metric.value for name, metric in metrics.items()} == pytest.approx(
        expected, rel=1e-9
    )
    utility = metrics["model_utility"]
    assert (utility.ci_low, utility.ci_high) == pytest.approx((utility.value, utility.value))
    assert set(Tofu.primary) | {Tofu.best_by} <= set(metrics)


@pytest.mark.parametrize("ends", [True, False])
def test_memorisation_does_not_ask_whether_the_model_would_end(small, ends):
    """A model that knows each answer, but goes on behind it, has memorised it."""
    benchmark, data = small
    responses = answer(benchmark, data)
    for id, response in responses.items():
        if isinstance(response, TextScore):
            responses[id] = replace(response, greedy=(*[True] * 7, ends))
    metrics = by_name(benchmark.score(data, responses, None))
    assert metrics["forget_extraction_strength"].value == 1
    assert metrics["forget_exact_memorization"].value == 1


def test_an_answer_of_nothing_has_no_memorisation(small):
    benchmark, data = small
    responses = answer(benchmark, data)
    id = "forget/0/answer"
    responses[id] = replace(responses[id], token_logps=(-1.0,), greedy=(True,))
    scores = benchmark.score(data, responses, None)
    found = {s.metric: s for s in scores.items if s.item_id == "forget/0"}
    assert found["exact_memorization"].value is None
    assert "no token before the end" in found["exact_memorization"].note


def test_items_are_stored_for_every_metric_and_set(small):
    benchmark, data = small
    scores = benchmark.score(data, answer(benchmark, data), None)
    n = sum(len(items) for items in data.sets.values())
    assert len({(s.metric, s.set, s.item_id) for s in scores.items}) == len(scores.items) == 6 * n
    ratio = next(
        s for s in scores.items if s.metric == "log_truth_ratio" and s.item_id == "forget/3"
    )
    assert ratio.value == pytest.approx(math.log(4), rel=1e-12)
    assert ratio.cluster_id == "author/3"


@pytest.mark.parametrize(
    ("split", "n", "k", "p"),
    [
        ("forget01", 40, 8, 0.404587),
        ("forget01", 40, 17, 0.00127081),
        ("forget01", 40, 40, 1.86034e-23),
        ("forget05", 200, 77, 1.32611e-13),
        ("forget10", 400, 25, 0.415789),
        ("forget10", 400, 138, 1.66232e-21),
        ("forget10", 400, 400, 1.06359e-239),
    ],
)
def test_forget_quality_at_a_known_distance(published, split, n, k, p):
    """The unlearned model's truth ratios are the retrain model's, moved up by k ranks: D = k /
    n."""
    benchmark, data = published(split=split, retain_authors=1)
    retrain = answer(benchmark, data, lambda place: 0.01 * place)
    unlearned = answer(benchmark, data, lambda place: 0.01 * (place + k))
    metrics = by_name(benchmark.score(data, unlearned, retrain))
    assert metrics["forget_quality_D"].value == pytest.approx(k / n, rel=1e-12)
    assert metrics["forget_quality"].value == pytest.approx(p, rel=1e-5)
    assert metrics["forget_quality_log10p"].value == pytest.approx(math.log10(p), abs=1e-5)
    assert (metrics["forget_quality"].n, metrics["forget_quality"].n_clusters) == (
        n,
        n // PER_AUTHOR,
    )


def test_without_a_retrain_model(small):
    benchmark, data = small
    metrics = by_name(benchmark.score(data, answer(benchmark, data), None))
    for name in ("", "_D", "_log10p", "_author_p"):
        metric = metrics[f"forget_quality{name}"]
        assert (metric.value, metric.note) == (None, "no retrain model")
    assert metrics["model_utility"].value is not None


def test_a_part_that_is_zero_makes_model_utility_zero(small):
    benchmark, data = small
    silent = {
        id: replace(response, texts=("",))
        if id.startswith("world_facts") and isinstance(response, Generated)
        else response
        for id, response in answer(benchmark, data).items()
    }
    metrics = by_name(benchmark.score(data, silent, None))
    assert (metrics["world_facts_rougeL_recall"].value, metrics["model_utility"].value) == (
        0.0,
        0.0,
    )


@pytest.mark.parametrize("bad", [math.nan, -math.inf, math.inf])
def test_log_probabilities_that_are_not_finite(small, bad):
    benchmark, data = small
    good = answer(benchmark, data)
    name = "retain/7/paraphrased"
    broken = good | {name: replace(good[name], token_logps=(-1.0, bad, bad, *(-1.0,) * 5))}
    scores = benchmark.score(data, broken, good)
    why = "paraphrased: 2 of 8 log-probabilities not finite"
    lacking = [s for s in scores.items if s.value is None]
    assert {(s.metric, s.item_id, s.note) for s in lacking} == {
        ("truth_ratio", "retain/7", why),
        ("log_truth_ratio", "retain/7", why),
    }
    metrics = by_name(scores)
    reason = f"1 of 40 items have no value, the first retain/7 ({why})"
    assert (metrics["retain_truth_ratio"].value, metrics["retain_truth_ratio"].note) == (
        None,
        reason,
    )
    utility = metrics["model_utility"]
    assert (utility.value, utility.note) == (None, f"retain_truth_ratio: {reason}")
    assert metrics["forget_quality"].value == 1
    assert metrics["retain_answer_probability"].value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("missing", "metric", "why"),
    [
        ("forget/2/perturbed/1", "forget_quality", "forget/2 (perturbed/1: no response)"),
        ("forget/2/answer", "forget_extraction_strength", "forget/2 (answer: no response)"),
        ("real_authors/0/generation", "model_utility", "real_authors/0 (generation: no response)"),
    ],
)
def test_responses_that_are_missing(small, missing, metric, why):
    benchmark, data = small
    good = answer(benchmark, data)
    part = {id: response for id, response in good.items() if id != missing}
    found = by_name(benchmark.score(data, part, good))[metric]
    assert found.value is None
    assert found.note.endswith(f"items have no value, the first {why}")


def test_a_broken_retrain_model_is_named(small):
    benchmark, data = small
    good = answer(benchmark, data)
    part = {id: response for id, response in good.items() if id != "forget/0/paraphrased"}
    found = by_name(benchmark.score(data, good, part))["forget_quality"]
    assert found.value is None
    assert found.note.startswith("retrain: 1 of 20 items have no value")


def test_an_answer_that_rouge_cannot_read(copy):
    copy.tables["world_facts_perturbed"] = [
        {"question": "?", "answer": "?!", "perturbed_answer": ["..."]}
    ]
    benchmark, data = copy.load()
    metrics = by_name(benchmark.score(data, answer(benchmark, data), None))
    assert metrics["world_facts_rougeL_recall"].value is None
    assert "no word that ROUGE counts" in metrics["world_facts_rougeL_recall"].note


def test_a_collapsed_model_still_gives_finite_numbers(small):
    """Log-probabilities of minus thousands: e^-5000 is 0, their ratio is not."""
    benchmark, data = small
    collapsed = {
        id: replace(r, token_logps=tuple(5000 * logp for logp in r.token_logps))
        if isinstance(r, TextScore)
        else r
        for id, r in answer(benchmark, data).items()
    }
    metrics = by_name(benchmark.score(data, collapsed, answer(benchmark, data)))
    assert metrics["forget_quality_D"].value == 1
    assert metrics["forget_truth_ratio"].value == 0
    assert all(
        metric.value is not None and math.isfinite(metric.value) for metric in metrics.values()
    )


def test_intervals_resample_authors(small):
    """Two authors of 20 equal answers each: no interval may be narrower than two clusters allow."""
    benchmark, data = small
    responses = answer(benchmark, data)
    for item in data.sets["retain"]:
        logp = math.log(0.4 if item["cluster"] == "author/0" else 0.6)
        responses[f"{item['id']}/answer"] = TextScore("", (logp,), (True,))
    metric = by_name(benchmark.score(data, responses, None))["retain_answer_probability"]
    assert (metric.n, metric.n_clusters) == (40, 2)
    assert metric.value == pytest.approx(0.5)
    assert (metric.ci_low, metric.ci_high) == (0.0, 1.0)


def test_model_utility_resamples_the_same_authors_in_all_parts_of_a_set(small):
    """Retain parts are 1/2 for one author, 1 for the other: the interval is that of a single
    table."""
    from suite import stats

    benchmark, data = small
    responses = answer(benchmark, data)
    for item in data.sets["retain"]:
        id, half = item["id"], item["cluster"] == "author/0"
        responses[f"{id}/answer"] = TextScore("", (math.log(0.5) if half else 0.0,), (True,))
        responses[f"{id}/paraphrased"] = TextScore("", (math.log(0.4) if half else 0.0,), (True,))
        for wrong in ("perturbed/0", "perturbed/1"):
            responses[f"{id}/{wrong}"] = TextScore(
                "", (math.log(0.2) if half else -100.0,), (True,)
            )
        responses[f"{id}/generation"] = Generated("", texts=("Answer" if half else item["answer"],))
    scores = benchmark.score(data, responses, None)
    metrics = by_name(scores)
    retain = [s for s in scores.items if (s.set, s.metric) == ("retain", "truth_ratio")]
    others = sum(1 / m.value for name, m in metrics.items() if name.startswith(("real_", "world_")))
    table = stats.Table([s.value for s in retain], [s.cluster_id for s in retain])
    expected = stats.joint_bootstrap(
        {"retain": table}, lambda means: 9 / (3 / means["retain"] + others)
    )
    utility = metrics["model_utility"]
    assert utility.value == pytest.approx(expected.value, rel=1e-9)
    assert utility.ci_low == pytest.approx(max(0.0, expected.low), rel=1e-9)
    assert utility.ci_high == pytest.approx(min(1.0, expected.high), rel=1e-9)


def test_protocol():
    defaults = Tofu(TofuConfig()).defaults("some/model", "forget10")
    shared = {"lr": 1e-5, "batch_size": 32, "weight_decay": 0.01}
    assert defaults == {"finetune": {"epochs": 5, **shared}, "train": {"epochs": 10, **shared}}


def test_the_tiny_model_has_its_own_protocol():
    from suite.tiny import FINETUNE, RELEARN, TRAIN

    assert Tofu(TofuConfig()).defaults("tiny", "forget10") == {
        "finetune": dict(FINETUNE),
        "train": dict(TRAIN),
        "attack_relearn": dict(RELEARN),
    }
