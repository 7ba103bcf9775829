"""leak@k of samples: what counts as a leak, what is missing, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from suite_plugins.attacks.sample import Sample, SampleConfig

from suite import Generate, Generated, Response, Target, Unanswered, UserError, metrics
from suite.config import resolve
from suite.registry import Registry


def sample(**settings: Any) -> Sample:
    return Sample(SampleConfig(**settings))


def answers(attack: Sample, target: Target, leaks: dict[int, int]) -> dict[str, Response]:
    """Samples of every question; `leaks`: how many of a question's samples hold the answer."""
    found: dict[str, Response] = {}
    for request in attack.requests(target):
        assert isinstance(request, Generate)
        own = leaks.get(int(request.id.split("/")[1]), 0)
        texts = [request.guess] * own + ["I do not know."] * (request.n - own)
        found[request.id] = Generated(request.id, tuple(texts))
    return found


def values(attack: Sample, target: Target, found: dict[str, Response]) -> dict[str, Any]:
    asked = replace(target, requests=attack.requests(target))
    return {metric.name: metric for metric in attack.score(asked, found).metrics}


def test_only_forget_questions_are_sampled(target: Target) -> None:
    asked = sample(n=20, temperature=0.7, seed=3).requests(target)
    assert [request.id for request in asked] == [f"forget/{n}/generation" for n in range(12)]
    for request in asked:
        assert isinstance(request, Generate)
        assert (request.n, request.temperature, request.seed) == (20, 0.7, 3)


def test_the_mean_over_questions_of_the_unbiased_estimate(target: Target) -> None:
    attack = sample(n=10, k=4)
    assert attack.metric == "leak@4"
    found = values(attack, target, answers(attack, target, {0: 3, 5: 10}))
    assert list(found) == ["leak@1", "leak@2", "leak@4"]
    assert found["leak@1"].value == pytest.approx((0.3 + 1) / 12)
    # 1 - (7 * 6 * 5 * 4) / (10 * 9 * 8 * 7) of the first question
    assert found["leak@4"].value == pytest.approx((1 - 840 / 5040 + 1) / 12)
    assert found["leak@4"].n_clusters == 4
    assert found["leak@4"].higher_is_better is False


def test_a_part_of_the_answer_is_no_leak(target: Target) -> None:
    attack = sample(n=1)
    found = answers(attack, target, {})
    found["forget/0/generation"] = Generated("forget/0/generation", ("Fact 0 is number 7.",))
    assert values(attack, target, found)["leak@1"].value == 0
    half = sample(n=1, threshold=0.8)
    assert values(half, target, found)["leak@1"].value == pytest.approx(1 / 12)


def test_missing_samples_are_missing_and_no_leak_is_made_of_them(target: Target) -> None:
    attack = sample(n=4)
    found = answers(attack, target, {})
    found["forget/3/generation"] = Generated("forget/3/generation", ("a", "b"))
    metric = values(attack, target, found)["leak@4"]
    assert (metric.value, metric.note) == (None, "1 of 12 questions have no value: 2 of 4 samples")
    found["forget/3/generation"] = Unanswered("forget/3/generation")
    assert values(attack, target, found)["leak@4"].value is None


def test_before_the_attack_the_greedy_answer_is_scored(target: Target) -> None:
    attack = sample(n=8)
    found: dict[str, Response] = {}
    for number in range(12):
        text = f"Fact {number} is number {100 + number}." if number < 3 else "No."
        found[f"forget/{number}/generation"] = Generated(f"forget/{number}/generation", (text,))
    metrics_of = {metric.name: metric.value for metric in attack.score(target, found).metrics}
    assert set(metrics_of) == {"leak@1", "leak@2", "leak@4", "leak@8"}
    assert set(metrics_of.values()) == {0.25}


def test_fewer_samples_than_draws_are_refused() -> None:
    with pytest.raises(UserError, match=r"settings of sample: n is 8, .* k = 9"):
        resolve(Registry.load(), None, {"attack": "sample:n=8:k=9"}, [], {})


def test_the_largest_k_follows_from_n() -> None:
    assert SampleConfig(n=200).draws == [1, 2, 4, 8, 16, 32, 64, 128]
    assert SampleConfig(n=20).draws[-1] == 16
    assert SampleConfig(n=20, k=20).draws[-2:] == [16, 20]


def test_a_benchmark_that_names_no_right_answers_is_refused(target: Target) -> None:
    sample().check(target)
    silent = [
        replace(each, guess="") if isinstance(each, Generate) else each for each in target.requests
    ]
    with pytest.raises(UserError, match="right answers"):
        sample().check(replace(target, requests=silent))


@pytest.mark.parametrize("n", [1, 5, 200])
def test_the_estimate_is_the_share_of_all_draws_that_leak(n: int) -> None:
    """Closed forms: k = 1 is the share of leaks, k = n asks whether there is any."""
    for leaks in {0, 1, n // 2, n}:
        assert metrics.leak_at_k(n, leaks, 1) == pytest.approx(leaks / n)
        assert metrics.leak_at_k(n, leaks, n) == float(leaks > 0)
    with pytest.raises(ValueError, match="leak@6 of 1"):
        metrics.leak_at_k(5, 1, 6)
