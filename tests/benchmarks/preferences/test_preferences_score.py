"""Scores of preferences, by hand: log-ratios, own rewards, log-probabilities, displacement, what is
missing."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint
from suite_benchmarks.pairs.data import benchmark_data
from suite_benchmarks.preferences import Preferences, PreferencesConfig

from suite import Generated, Message, Method, Pair, Response, TextScore, Unanswered
from suite.api.data import BenchmarkData
from suite.api.scores import Metric
from suite.registry import Registry

Logps = tuple[Sequence[float], Sequence[float]]
"""Token log-probabilities of the chosen and of the rejected answer."""

TEXTS = {"low": "one two three four 5", "medium": "one two three 4 5", "high": "1 2 3 4 5"}
"""Rejected answers to the chosen answer "one two three four five"; of 5 words 1, 2 or 5 differ."""
POLICY: list[Logps] = [
    ([-1.0, -2.0], [-4.0]),
    ([-0.5, -0.5], [-0.25, -0.25]),
    ([-3.0, -1.0], [-6.0, -2.0]),
]
REFERENCE: list[Logps] = [
    ([-2.0, -2.0], [-3.0]),
    ([-0.5, -0.25], [-0.5, -0.5]),
    ([-2.0, -1.0], [-3.0, -3.0]),
]
RHO_W, RHO_L = (1.0, -0.25, -1.0), (-1.0, 0.5, -2.0)


@functools.cache
def registry() -> Registry:
    return Registry.load()


def method(name: str, **settings: Any) -> Method[Any]:
    cls = registry().method(name)
    return cls(cls.Config(**settings))


def data(rejected: Sequence[str], clusters: Sequence[str] | None = None) -> BenchmarkData:
    pairs = [
        Pair(
            str(i),
            (Message("user", f"Count {i}."),),
            "one two three four five",
            text,
            (clusters or range(99))[i],
        )  # type: ignore[arg-type]
        for i, text in enumerate(rejected)
    ]
    return benchmark_data("held_out", pairs, pairs, "by hand", None)


def responses(logps: Sequence[Logps]) -> dict[str, Response]:
    found = {}
    for i, pair in enumerate(logps):
        for which, values in zip(("chosen", "rejected"), pair, strict=True):
            found[f"held_out/{i}/{which}"] = TextScore(f"held_out/{i}/{which}", tuple(values))
    return found


def score(
    made: BenchmarkData,
    policy: Mapping[str, Response],
    reference: Mapping[str, Response] | None,
    trained: Method[Any] | None = None,
) -> dict[str, Metric]:
    found = Preferences(PreferencesConfig()).score_method(made, policy, reference, trained)
    return {metric.name: metric for metric in found.metrics}


def values(trained: Method[Any] | None) -> dict[str, float | None]:
    metrics = score(data(list(TEXTS.values())), responses(POLICY), responses(REFERENCE), trained)
    return {name: metric.value for name, metric in metrics.items()}


def average(*numbers: float) -> Any:
    return pytest.approx(sum(numbers) / len(numbers), abs=1e-12)


def test_log_probabilities() -> None:
    found = values(None)
    assert found["chosen_logp"] == average(-3, -1, -4)
    assert found["rejected_logp"] == average(-4, -0.5, -8)
    assert found["chosen_mean_logp"] == average(-1.5, -0.5, -2)
    assert found["rejected_mean_logp"] == average(-4, -0.25, -4)
    assert found["logp_accuracy"] == average(1, 0, 1)
    assert found["chosen_log_ratio"] == average(*RHO_W)
    assert found["rejected_log_ratio"] == average(*RHO_L)


@pytest.mark.parametrize(
    ("trained", "chosen", "rejected"),
    [
        (("dpo", {"beta": 0.5}), [0.5 * r for r in RHO_W], [0.5 * r for r in RHO_L]),
        (("ipo", {"tau": 2.0}), [2 * r for r in RHO_W], [2 * r for r in RHO_L]),
        (("ipo", {"tau": 2.0, "reduction": "mean"}), [1.0, -0.25, -1.0], [-2.0, 0.5, -2.0]),
        (("kto", {"beta": 0.1}), [0.1 * r for r in RHO_W], [0.1 * r for r in RHO_L]),
        (("dpop", {"beta": 1.0, "penalty": 2.0}), [1.0, -0.75, -3.0], list(RHO_L)),
        (("simpo", {"beta": 2.0}), [-3.0, -1.0, -4.0], [-8.0, -0.5, -8.0]),
        (("slic", {}), [-3.0, -1.0, -4.0], [-4.0, -0.5, -8.0]),
        (("preferred_ft", {}), [-3.0, -1.0, -4.0], [-4.0, -0.5, -8.0]),
    ],
)
def test_rewards_are_those_of_the_method(
    trained: tuple[str, dict[str, Any]], chosen: list[float], rejected: list[float]
) -> None:
    found = values(method(trained[0], **trained[1]))
    assert found["own_reward_chosen"] == average(*chosen)
    assert found["own_reward_rejected"] == average(*rejected)
    assert found["own_reward_margin"] == average(
        *(w - r for w, r in zip(chosen, rejected, strict=True))
    )
    assert found["own_reward_accuracy"] == average(
        *(float(w > r) for w, r in zip(chosen, rejected, strict=True))
    )


@pytest.mark.parametrize(
    ("trained", "note"), [(None, "a reward needs a method"), ("sft", "sft defines no reward")]
)
def test_what_has_no_reward_says_so(trained: str | None, note: str) -> None:
    metrics = score(
        data(list(TEXTS.values())),
        responses(POLICY),
        responses(REFERENCE),
        method(trained) if trained else None,
    )
    for name in (
        "own_reward_accuracy",
        "own_reward_margin",
        "own_reward_chosen",
        "own_reward_rejected",
    ):
        assert metrics[name].value is None
        assert note in metrics[name].note
    assert metrics["displaced"].value == pytest.approx(2 / 3)


def test_the_reference_against_itself_displaces_nothing_and_has_no_margin() -> None:
    same = responses(REFERENCE)
    metrics = score(data(list(TEXTS.values())), same, same, method("dpo"))
    assert (
        metrics["displaced"].value
        == metrics["own_reward_accuracy"].value
        == metrics["own_reward_margin"].value
        == 0
    )


def test_displacement_by_edit_distance() -> None:
    """Rows: 4 low (3 displaced), 3 medium (1), 2 high (0)."""
    rho = [-1.0, -0.1, -2.0, 0.5, -1.0, 1.0, 1.0, 2.0, 0.0]
    made = data([TEXTS["low"]] * 4 + [TEXTS["medium"]] * 3 + [TEXTS["high"]] * 2)
    metrics = score(
        made, responses([([-5 + r], [-5.0]) for r in rho]), responses([([-5.0], [-5.0])] * 9)
    )
    expected = {
        "displaced_low": (3, 4),
        "displaced_medium": (1, 3),
        "displaced_high": (0, 2),
        "displaced": (4, 9),
    }
    for name, (count, n) in expected.items():
        metric = metrics[name]
        assert (metric.value, metric.n) == (count / n, n)
        assert (metric.ci_low, metric.ci_high) == pytest.approx(
            proportion_confint(count, n, method="wilson"), abs=1e-12
        )
        assert metric.higher_is_better is False


def test_an_empty_bucket_is_null_with_a_reason() -> None:
    metrics = score(data([TEXTS["low"]] * 3), responses(POLICY), responses(REFERENCE))
    assert metrics["displaced_low"].n == 3
    assert metrics["displaced_high"].value is None
    assert metrics["displaced_high"].note


def test_pairs_of_one_prompt_count_as_one_for_the_interval() -> None:
    rho = [1.0, 1.0, -1.0, -1.0] * 5
    policy, reference = (
        responses([([-5 + r], [-5.0]) for r in rho]),
        responses([([-5.0], [-5.0])] * 20),
    )
    apart = score(data([TEXTS["low"]] * 20), policy, reference)["displaced"]
    together = score(
        data([TEXTS["low"]] * 20, [f"c{i // 2}" for i in range(20)]), policy, reference
    )["displaced"]
    assert (apart.n_clusters, together.n_clusters) == (20, 10)
    assert together.value == apart.value == 0.5
    assert together.ci_high - together.ci_low > 1.2 * (apart.ci_high - apart.ci_low)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("broken", "note"),
    [
        (
            {"held_out/1/chosen": TextScore("", (-1.0, math.nan))},
            "chosen: 1 of 2 log-probabilities not finite",
        ),
        ({"held_out/1/rejected": Unanswered("")}, "rejected: no log-probabilities"),
    ],
)
def test_a_metric_over_items_without_a_value_is_null_with_the_reason(
    broken: dict[str, Response], note: str
) -> None:
    made = data(list(TEXTS.values()))
    metrics = score(made, {**responses(POLICY), **broken}, responses(REFERENCE), method("dpo"))
    assert metrics["displaced"].value is None
    assert metrics["displaced"].note == metrics["own_reward_accuracy"].note == note
    assert metrics["displaced_low"].value == 0
    reference = score(made, responses(POLICY), {**responses(REFERENCE), **broken}, method("dpo"))
    assert reference["chosen_log_ratio"].note == f"reference: {note}"


def test_without_a_reference_there_is_no_number() -> None:
    metrics = score(data(list(TEXTS.values())), responses(POLICY), None, method("dpo"))
    assert "not samples of the model" in metrics.pop("sequence_kl").note
    assert {metric.value for metric in metrics.values()} == {None}
    assert {metric.note for metric in metrics.values()} == {"no reference model"}


def test_every_item_has_every_metric_and_the_means_follow_from_them() -> None:
    made = data(list(TEXTS.values()))
    found = Preferences(PreferencesConfig()).score_method(
        made, responses(POLICY), responses(REFERENCE), method("dpo")
    )
    metrics = {m.name: m.value for m in found.metrics}
    names = {score.metric for score in found.items}
    assert len(found.items) == 3 * len(names) == 3 * 14
    names.remove("sequence_kl")  # nothing was sampled
    for name in names:
        column = [score.value for score in found.items if score.metric == name]
        assert metrics[name] == pytest.approx(sum(column) / 3)  # type: ignore[arg-type]


def sampled(kl: float, place: int) -> dict[str, Response]:
    id = f"held_out/{place}/sampled"
    return {id: Generated(id, texts=("one",), sampled=((5, 1),), kl=(kl,))}


def test_the_divergence_is_the_mean_over_different_prompts() -> None:
    pairs = [
        Pair(str(i), (Message("user", f"Count {i // 2}."),), "one two", "three", f"c{i // 2}")
        for i in range(6)
    ]
    made = benchmark_data("held_out", pairs, pairs, "by hand", None)
    bench = Preferences(PreferencesConfig(kl_prompts=2, kl_tokens=7))
    asked = [request for request in bench.requests(made) if request.kind == "generate"]
    assert [(r.id, r.temperature, r.max_new_tokens) for r in asked] == [
        ("held_out/0/sampled", 1.0, 7), ("held_out/2/sampled", 1.0, 7),
    ]  # fmt: skip
    metrics = {
        m.name: m for m in bench.score(made, sampled(1.0, 0) | sampled(4.0, 2), None).metrics
    }
    assert (
        metrics["sequence_kl"].value,
        metrics["sequence_kl"].n,
        metrics["sequence_kl"].unit,
    ) == (2.5, 2, "nats")
    broken = {
        m.name: m for m in bench.score(made, sampled(1.0, 0) | sampled(math.nan, 2), None).metrics
    }
    assert (broken["sequence_kl"].value, broken["sequence_kl"].note) == (None, "not finite")


def test_without_prompts_to_sample_from_there_is_no_divergence() -> None:
    made, bench = data(list(TEXTS.values())), Preferences(PreferencesConfig(kl_prompts=0))
    assert {request.kind for request in bench.requests(made)} == {"loglikelihood"}
    (metric,) = [
        m for m in bench.score(made, responses(POLICY), None).metrics if m.name == "sequence_kl"
    ]
    assert (metric.value, metric.note) == (None, "preferences.kl_prompts is 0")
