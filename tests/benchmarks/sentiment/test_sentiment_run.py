"""A whole run on random weights and the generated reviews."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from suite_benchmarks.sentiment.generated import generated

from suite import Generated, Method, Request
from suite.api.cells import CellResult
from suite.config import resolve
from suite.plan.graph import Plan
from suite.registry import Registry
from suite.run import pipeline
from suite.store import read_jsonl

SETS = (
    "sentiment.prefixes=8",
    "sentiment.held_out=6",
    "sentiment.length=8",
    "sentiment.samples=2",
    "sentiment.demonstrations=32",
    "sentiment.reward=lexicon",
    "finetune.epochs=2",
    "finetune.lr=3e-3",
    "finetune.batch_size=8",
    "train.epochs=2",
    "train.lr=1e-3",
    "train.batch_size=12",
    "train.warmup_steps=1",
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def flags(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("run")
    with (folder / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "sentiment"])
        rows = generated().reviews
        writer.writerows((r.text, "positive" if r.positive else "negative") for r in rows)
    given = {
        "bench": "sentiment",
        "data": str(folder),
        "model": str(tiny_folder),
        "dtype": "float32",
    }
    return given | {
        "store": str(folder / "store"),
        "out": str(folder / "out"),
        "template": "{prompt}",
    }


@pytest.fixture(scope="module")
def outcome(registry: Registry, flags: dict[str, str]) -> pipeline.Outcome:
    methods = {"methods": "dpo,unlikelihood"}
    return pipeline.run(resolve(registry, None, flags | methods, SETS, {}), registry)


@pytest.fixture(scope="module")
def cells(outcome: pipeline.Outcome) -> dict[str, CellResult]:
    assert outcome.exit_status == 0, [cell.error for cell in outcome.results.cells]
    return {cell.cell.method: cell for cell in outcome.results.cells}


def values(cell: CellResult) -> dict[str, Any]:
    return {metric.name: metric.value for metric in cell.metrics}


def test_the_reference_is_at_kl_zero(cells: dict[str, CellResult]) -> None:
    assert values(cells["reference"])["kl"] == 0


def test_every_epoch_is_a_point_and_training_moves_it(cells: dict[str, CellResult]) -> None:
    for name in ("dpo", "unlikelihood"):
        course = [point.metrics for point in cells[name].trajectory]
        assert len(course) == 2
        assert all(point["kl"] > 0 for point in course)  # type: ignore[operator]
        assert course[-1]["reward"] == values(cells[name])["reward"]


def test_hypervolume_and_front_are_in_the_table(
    cells: dict[str, CellResult], outcome: pipeline.Outcome
) -> None:
    start = values(cells["reference"])
    assert start["hypervolume"] == pytest.approx(start["reward"])
    shares = [values(cells[name])["front_share"] for name in ("dpo", "unlikelihood")]
    assert shares == [None, None] or sum(shares) == pytest.approx(1)
    assert "hypervolume" in (outcome.report / "leaderboard.md").read_text()


def test_scores_of_a_prefix_are_means_of_its_continuations(cells: dict[str, CellResult]) -> None:
    metrics = {metric.name: metric for metric in cells["dpo"].metrics}
    assert (metrics["reward"].n, metrics["reward"].n_clusters) == (6, 6)
    assert 1 <= metrics["tokens"].value <= 8  # type: ignore[operator]
    assert metrics["kl"].ci_low <= metrics["kl"].value <= metrics["kl"].ci_high  # type: ignore[operator]


def test_pairs_come_from_the_reference_and_a_second_run_computes_nothing(
    registry: Registry, flags: dict[str, str], outcome: pipeline.Outcome
) -> None:
    config = resolve(registry, None, flags | {"methods": "dpo,unlikelihood"}, SETS, {})
    plan, store = pipeline.plan(config, registry)
    assert plan.missing(store) == []
    made = [stage for stage in plan.stages() if stage.kind == "roles"]
    assert len(made) == 1  # shared by both methods
    pairs = list(read_jsonl(store.path(made[0]) / "pairs.jsonl"))
    assert 6 <= len(pairs) <= 8 * 6
    answers = list(read_jsonl(store.path(made[0].inputs["responses"]) / "responses.jsonl"))
    texts = {answer["id"].rpartition("/")[0]: answer["texts"] for answer in answers}
    for pair in pairs:
        given, _, places = pair["id"].rpartition("/")
        both = {texts[given][int(place)] for place in places.split("-")}
        assert both == {pair["chosen"], pair["rejected"]}


def test_another_reward_labels_other_pairs_from_the_same_samples(
    registry: Registry, flags: dict[str, str]
) -> None:
    def plan(*more: str) -> Plan:
        config = resolve(registry, None, flags | {"methods": "dpo"}, [*SETS, *more], {})
        return pipeline.plan(config, registry)[0]

    ours, other = plan(), plan("sentiment.reward=classifier")
    keys = [
        {stage.kind: stage.key for stage in p.stages() if stage.label != "KL"}
        for p in (ours, other)
    ]
    assert keys[0]["base"] == keys[1]["base"]
    assert keys[0]["roles"] != keys[1]["roles"]
    sampled = [
        next(s for s in p.stages() if s.kind == "roles").inputs["responses"].key
        for p in (ours, other)
    ]
    assert sampled[0] == sampled[1]


class Choosing(Method[Any]):
    """Answers in its own way, as best-of-n does."""

    name, family, roles = "choosing", "baseline", frozenset[str]()

    def loss(self, policy: Any, batch: Any) -> Any:
        """Never called."""

    def respond(self, engine: Any, requests: Any) -> Any:
        """As the engine does."""
        return engine.respond(requests)

    def kl_bound(self) -> float | None:
        """ln 2 - 1/2, of two."""
        return 0.1931


def test_the_kl_of_a_method_that_chooses_is_its_bound_and_says_so(
    registry: Registry, flags: dict[str, str]
) -> None:
    from suite import Source

    cls = registry.benchmark("sentiment")
    bench: Any = cls(cls.Config(held_out=4, prefixes=4, reward="lexicon"))
    data = bench.load(Source(flags["data"], "default", tiny=False, continues=True))
    asked: list[Request] = bench.requests(data)
    answers = {
        r.id: Generated(r.id, texts=(" a fine film",), finished=(True,), sampled=((1, 2),))
        for r in asked
    }
    for method, expected, note in (
        (Choosing(None), 0.1931, "upper bound, not measured"),
        (None, None, ""),
    ):
        scores = bench.score_method(data, answers, None, method)
        kl = next(m for m in scores.metrics if m.name == "kl")
        assert kl.value == expected
        assert note in kl.note
        assert kl.note


def test_scores_are_computed_again_when_the_ground_truth_has_other_weights(
    registry: Registry, flags: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from suite_benchmarks.sentiment.rewards import Lexicon

    def score_keys() -> list[str]:
        config = resolve(registry, None, flags | {"methods": "dpo"}, SETS, {})
        return [
            stage.key
            for stage in pipeline.plan(config, registry)[0].stages()
            if stage.kind == "score"
        ]

    before = score_keys()
    monkeypatch.setattr(Lexicon, "identity", lambda self: {"reward": "lexicon", "words": "others"})
    assert not set(before) & set(score_keys())


def planned(registry: Registry, flags: dict[str, str], name: str) -> Plan:
    """The plan of a shipped configuration, on a small model and the lexicon."""
    file = Path(__file__).parents[3] / "configs" / f"{name}.toml"
    small = [*SETS[:3], "sentiment.reward=lexicon", "pad_token=none"]
    return pipeline.plan(resolve(registry, file, flags, small, {}), registry)[0]


def test_the_papers_22_runs_are_one_plan(registry: Registry, flags: dict[str, str]) -> None:
    cells = planned(registry, flags, "sentiment_paper").cells
    trained = {
        cell.train.key: cell.cell
        for cell in cells
        if cell.train is not None and cell.family != "baseline"
    }
    names = Counter(cell.method.partition(":")[0] for cell in trained.values())
    assert names == {"ppo": 4, "ppo_gt": 4, "dpo": 4, "unlikelihood": 4, "preferred_ft": 6}
    assert sum(names.values()) == 22
    assert [cell.seed for cell in trained.values() if cell.method == "preferred_ft"] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]


def test_the_reduced_run_has_all_the_methods(registry: Registry, flags: dict[str, str]) -> None:
    cells = planned(registry, flags, "sentiment_smollm2_reduced").cells
    names = "reference ppo_gt ppo dpo rloo grpo ipo dpop best_of_n preferred_ft unlikelihood"
    assert {cell.cell.method for cell in cells} == set(names.split())


def test_methods_that_learn_from_rewards_get_the_prefixes_the_pairs_and_the_truth(
    registry: Registry, flags: dict[str, str]
) -> None:
    chosen = {"methods": "ppo_gt,best_of_n:n=2", "evaluate": "final"}
    few = (
        "ppo_gt.epochs=1",
        "ppo_gt.max_new_tokens=8",
        "ppo_gt.batch_size=8",
        "reward_model.epochs=1",
    )
    outcome = pipeline.run(resolve(registry, None, flags | chosen, [*SETS, *few], {}), registry)
    assert outcome.exit_status == 0, [cell.error for cell in outcome.results.cells]
    cells = {cell.cell.method: cell for cell in outcome.results.cells}
    assert values(cells["ppo_gt"])["kl"] > 0
    kl = next(metric for metric in cells["best_of_n:n=2"].metrics if metric.name == "kl")
    assert kl.value == pytest.approx(0.1931, abs=1e-4)  # ln 2 - 1/2
    assert kl.note == "upper bound, not measured"
