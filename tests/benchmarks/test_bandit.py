"""Bandits: closed forms, where the losses really end, and the whole run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from suite_benchmarks.bandit import Bandit, BanditConfig, training
from suite_benchmarks.bandit.datasets import DATASETS, Dataset
from suite_benchmarks.bandit.scores import Trial, scores
from suite_benchmarks.bandit.training import own_optimum

from suite import PairedMethod, Scores, UserError
from suite.api.cells import CellResult, TrajectoryPoint
from suite.config import resolve
from suite.core.progress import Silent
from suite.registry import Registry
from suite.results.schema import read
from suite.run import pipeline
from suite.settings import RunConfig

TWO, D1, D2, D3, D3_PRIME = DATASETS
# Dataset -> tau -> where IPO is known to end; D1's were measured after training on mini-batches.
SOLVED = {
    TWO: {0.1: (0.993, 0.007), 0.5: (0.731, 0.269), 1: (0.622, 0.378), 10: (0.512, 0.488)},
    D1: {
        0.1: (0.965, 0.034, 0.001),
        0.5: (0.561, 0.291, 0.147),
        1: (0.447, 0.324, 0.229),
        5: (0.356, 0.333, 0.311),
    },
    D2: dict.fromkeys((0.1, 0.5, 1, 5), (0.333, 0.333, 0.333)),
    D3: dict.fromkeys((0.1, 0.5, 1, 5), (0.333, 0.333, 0.333)),
    D3_PRIME: {
        0.1: (0.498, 0.498, 0.003),
        0.5: (0.422, 0.422, 0.155),
        1: (0.384, 0.384, 0.233),
        5: (0.344, 0.344, 0.311),
    },
}
ODDS = 3
MOVING = (TWO, D1, D3_PRIME)
"""Where the uniform policy is not the optimum, so that training without noise moves at all."""
COUNTS = {"ab": 15, "ba": 5, "bc": 15, "cb": 5, "ac": 18, "ca": 2}
BRADLEY_TERRY = Dataset(
    "bt", ("a", "b", "c"), tuple((p[0], p[1]) for p, n in COUNTS.items() for _ in range(n)), ()
)
"""a : b : c = 9 : 3 : 1, every two arms compared 20 times."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def make(registry: Registry, name: str, **settings: Any) -> PairedMethod[Any]:
    cls = registry.method(name)
    return cls(cls.Config(**settings))


def swept(registry: Registry, name: str, taus: Any, **settings: Any) -> list[PairedMethod[Any]]:
    field = "tau" if "tau" in registry.method(name).Config.__annotations__ else "beta"
    return [make(registry, name, **{field: tau}, **settings) for tau in taus]


def full_batches(dataset: Dataset, steps: int) -> Iterator[torch.Tensor]:
    """Every pair in every step: the noise of mini-batches is gone."""
    for _ in range(steps):
        yield torch.arange(len(dataset.pairs))[None, None]


def trained(methods: list[PairedMethod[Any]], dataset: Dataset, steps: int) -> np.ndarray:
    """Policies after full-batch training, (T, K)."""
    *_, theta = training.train(methods, [dataset], full_batches(dataset, steps), runs=1)
    return theta[:, 0, 0].softmax(-1).numpy()


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_the_closed_form_is_the_published_one(dataset: Dataset) -> None:
    for tau, policy in SOLVED[dataset].items():
        assert dataset.ipo_optimum(tau) == pytest.approx(
            policy, abs=3e-3 if dataset is D1 else 6e-4
        )


def test_the_closed_forms_are_the_formulas() -> None:
    for tau in (0.1, 0.7, 5):
        assert TWO.ipo_optimum(tau)[0] == pytest.approx(1 / (1 + math.exp(-0.5 / tau)))
        assert D1.ipo_optimum(tau) == pytest.approx(softmax(np.array([2, 1, 0]) / (3 * tau)))
        assert D3_PRIME.ipo_optimum(tau) == pytest.approx(softmax(np.array([1, 1, 0]) / (2 * tau)))


def test_preferences_are_counted() -> None:
    assert D3_PRIME.preferences().tolist() == [[0.5, 0.5, 1], [0.5, 0.5, 0.5], [0, 0.5, 0.5]]
    table = BRADLEY_TERRY.preferences()
    assert table == pytest.approx(
        np.array([[1 / 2, 3 / 4, 9 / 10], [1 / 4, 1 / 2, 3 / 4], [1 / 10, 1 / 4, 1 / 2]])
    )


@pytest.mark.parametrize("dataset", MOVING, ids=lambda dataset: dataset.name)
def test_ipo_ends_at_its_optimum(registry: Registry, dataset: Dataset) -> None:
    taus = (0.1, 0.5, 1, 5)
    ends = trained(swept(registry, "ipo", taus), dataset, 1200)
    assert ends == pytest.approx(np.array([dataset.ipo_optimum(tau) for tau in taus]), abs=1e-3)


@pytest.mark.parametrize("dataset", MOVING, ids=lambda dataset: dataset.name)
def test_psipo_ends_at_its_optimum(registry: Registry, dataset: Dataset) -> None:
    """softmax(E p / tau); where all arms were compared that is IPO's optimum too."""
    taus = np.array([0.1, 0.5, 1, 5])
    ends = trained(swept(registry, "psipo", taus), dataset, 1200)
    assert ends == pytest.approx(softmax(dataset.preferences().mean(1) / taus[:, None]), abs=1e-3)
    alike = [
        np.allclose(end, dataset.ipo_optimum(tau), atol=2e-3)
        for end, tau in zip(ends, taus, strict=True)
    ]
    assert all(alike) == (dataset is not D3_PRIME)


def test_psipo_is_compared_with_its_own_optimum(registry: Registry) -> None:
    method = swept(registry, "psipo", np.array([0.5]))[0]
    for dataset in MOVING:
        optimum = own_optimum(method, dataset)
        assert optimum == pytest.approx(softmax(dataset.preferences().mean(1) / 0.5))
        away, there = (
            np.full((1, 2, len(dataset.arms)), 1 / len(dataset.arms)),
            np.array([[optimum, optimum]]),
        )
        trial = Trial(dataset, "tau=0.5", 0.5, (0, 9), np.concatenate([away, there]), optimum)
        found = scores([trial])
        metrics = {metric.name: metric.value for metric in found.metrics}
        assert metrics["gap_to_own_optimum"] == pytest.approx(0, abs=1e-12)
        assert metrics[f"{dataset.name}/tau=0.5/{dataset.arms[0]}_own_optimum"] == optimum[0]
        assert (metrics["gap_to_ipo_optimum"] > 0.01) == (dataset is D3_PRIME)
        assert f"{dataset.name}/tau=0.5/{dataset.arms[0]}*its own optimum" in found.curve[0].metrics
    assert own_optimum(swept(registry, "ipo", np.array([0.5]))[0], D3_PRIME) is None


def test_dpo_and_psipo_with_logit_agree_under_bradley_terry(registry: Registry) -> None:
    taus = np.array([0.5, 1, 5])
    optimum = softmax(math.log(ODDS) * np.array([2, 1, 0]) / taus[:, None])
    assert trained(swept(registry, "dpo", taus), BRADLEY_TERRY, 1000) == pytest.approx(
        optimum, abs=1e-3
    )
    assert trained(
        swept(registry, "psipo", taus, psi="logit"), BRADLEY_TERRY, 600
    ) == pytest.approx(optimum, abs=1e-3)


@pytest.mark.parametrize("dataset", MOVING, ids=lambda dataset: dataset.name)
def test_dpo_tends_to_its_limit(registry: Registry, dataset: Dataset) -> None:
    ends = trained(swept(registry, "dpo", (0.1, 0.5)), dataset, 1500)
    assert ends == pytest.approx(np.tile(dataset.dpo_limit, (2, 1)), abs=0.01)


def test_dpo_goes_on_where_ipo_stops(registry: Registry) -> None:
    def preferred(name: str) -> np.ndarray:
        """pi(a) after 400, 800 and 1200 steps, at each temperature, (3, 3)."""
        steps = training.train(
            swept(registry, name, (1, 5, 10)), [D1], full_batches(D1, 1200), runs=1
        )
        policies = [theta[:, 0, 0].softmax(-1)[:, 0].numpy() for theta in steps]
        return np.stack(policies)[[399, 799, 1199]]

    dpo, ipo = preferred("dpo"), preferred("ipo")
    assert (np.diff(dpo, axis=0) > 0.01).all()
    assert ipo[1] == pytest.approx(ipo[2], abs=2e-3)
    assert (dpo[2] > ipo[2] + 0.1).all()


@pytest.mark.parametrize("name", ["dpo", "ipo", "psipo"])
def test_an_arm_in_no_pair_keeps_its_logit_exactly(registry: Registry, name: str) -> None:
    """Only chance moves a and b, which lose what the other wins; pi(c) is 1/3 where they are
    equal."""
    methods = swept(registry, name, (0.1, 1))
    *_, theta = training.train(methods, [D3], training.sampled([D3], 300, 4, seed=1), runs=4)
    assert (theta[..., 2] == 0).all()
    assert torch.equal(theta[..., 0], -theta[..., 1])
    assert (trained(methods, D3, 50) == 1 / 3).all()


@pytest.mark.parametrize("name", ["dpo", "psipo", "aot", "kto"])
def test_datasets_runs_and_settings_learn_as_they_would_alone(
    registry: Registry, name: str
) -> None:
    """Also under losses that couple the rows of a batch, and with fewer arms than others have."""
    methods, datasets = [make(registry, name), *swept(registry, name, (2.0,))], [TWO, D1, D3_PRIME]
    batches = list(training.sampled(datasets, 40, 3, seed=0))
    *_, together = training.train(methods, datasets, batches, runs=3)
    for (t, method), (d, dataset), run in product(
        enumerate(methods), enumerate(datasets), range(3)
    ):
        own = [batch[d : d + 1, run : run + 1] for batch in batches]
        *_, alone = training.train([method], [dataset], own, runs=1)
        lacking = together.shape[-1] - len(dataset.arms)
        expected = torch.nn.functional.pad(alone[0, 0, 0], (0, lacking), value=-math.inf)
        assert torch.allclose(together[t, d, run], expected, rtol=0, atol=1e-12)


def test_a_dataset_has_its_own_mini_batches_in_any_company() -> None:
    (alone,), (among,) = (
        training.sampled(datasets, 1, 4, seed=3) for datasets in ([D1], [TWO, D1, D2])
    )
    assert torch.equal(alone[0], among[1])


def measure(registry: Registry, name: str, seed: int = 0, **config: Any) -> Scores:
    config = {"steps": 30, "runs": 2, **config}
    return Bandit(BanditConfig(**config)).measure(make(registry, name), "default", seed, Silent())


def test_a_seed_decides_everything(registry: Registry) -> None:
    once, again, other = (measure(registry, "ipo", seed) for seed in (0, 0, 1))
    assert once == again
    assert once.metrics != other.metrics


def test_items_give_the_metrics_again(registry: Registry) -> None:
    scores = measure(registry, "dpo", runs=3)
    metrics = {metric.name: metric for metric in scores.metrics}
    of_set = [item for item in scores.items if item.set == "D1/tau=0.5"]
    values = [item.value for item in of_set if item.item_id.endswith("/a")]
    assert metrics["D1/tau=0.5/a"].value == pytest.approx(np.mean(values))
    assert metrics["D1/tau=0.5/a"].n == 3
    half = 4.30265 * np.std(values, ddof=1) / 3**0.5  # t at 2 degrees of freedom
    assert metrics["D1/tau=0.5/a"].ci_high == pytest.approx(np.mean(values) + half, rel=1e-5)
    ends = [metrics[f"D1/tau=0.5/{arm}"].value for arm in "abc"]
    gap = np.abs(ends - D1.ipo_optimum(0.5)).max()
    assert metrics["D1/tau=0.5/gap_to_ipo_optimum"].value == pytest.approx(gap)
    assert metrics["D1/tau=0.5/gap_to_dpo_limit"].value == pytest.approx(1 - ends[0])
    gaps = [m.value for n, m in metrics.items() if n.endswith("/gap_to_ipo_optimum")]
    assert metrics["gap_to_ipo_optimum"].value == max(gaps)
    assert len(gaps) == 25


def test_curves_start_at_the_reference_and_end_at_the_metrics(registry: Registry) -> None:
    scores = measure(registry, "ipo", steps=200)
    first, last = scores.curve[0], scores.curve[-1]
    assert (first.step, last.step, len(scores.curve)) == (0, 200, 101)
    assert first.metrics["D1/tau=1/a"] == pytest.approx(1 / 3, abs=1e-6)
    assert first.metrics["D1/tau=1/a*IPO's optimum"] == pytest.approx(
        D1.ipo_optimum(1)[0], abs=1e-6
    )
    metrics = {metric.name: metric.value for metric in scores.metrics}
    assert all(
        metrics[name] == pytest.approx(value, abs=1e-6) for name, value in last.metrics.items()
    )


def test_every_paired_method_runs(registry: Registry) -> None:
    names = [
        cls.name
        for cls in registry.methods()
        if issubclass(cls, PairedMethod) and cls.roles <= Bandit.provides
    ]
    assert {"dpo", "ipo", "psipo", "kto", "slic", "simpo"} <= set(names)
    for name in names:
        scores = measure(registry, name, steps=2)
        for metric in scores.metrics:
            assert metric.note if metric.value is None else math.isfinite(metric.value)
        assert len({metric.name for metric in scores.metrics}) == len(scores.metrics)


def test_a_method_without_temperature_runs_once(registry: Registry) -> None:
    metrics = {metric.name: metric for metric in measure(registry, "slic").metrics}
    assert metrics["D1/as_configured/a"].value is not None
    assert metrics["gap_to_dpo_limit"].value is not None
    assert metrics["gap_to_ipo_optimum"].value is None
    assert "neither tau nor beta" in metrics["gap_to_ipo_optimum"].note
    assert not any("tau=" in name for name in metrics)


def test_a_loss_that_a_dataset_does_not_define_has_a_reason(registry: Registry) -> None:
    method = make(registry, "psipo", psi="logit")
    scores = Bandit(BanditConfig(steps=5, runs=2)).measure(method, "default", 0, Silent())
    metrics = {metric.name: metric for metric in scores.metrics}
    assert metrics["D1/tau=1/a"].value is None and "infinite" in metrics["D1/tau=1/a"].note
    assert metrics["D3/tau=1/a"].value == pytest.approx(1 / 3)


def test_methods_without_pairs_are_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'ga' cannot run on benchmark 'bandit': it needs forget"):
        pipeline.plan(configure(registry, tmp_path, methods="ga"), registry)
    with pytest.raises(
        UserError, match="'ga' cannot run on benchmark 'bandit': it has no loss of pairs"
    ):
        measure(registry, "ga")


@pytest.mark.parametrize("setting", ["bandit.steps=0", "bandit.runs=0", "bandit.taus=0.1,0"])
def test_settings_out_of_range_are_refused(
    registry: Registry, tmp_path: Path, setting: str
) -> None:
    with pytest.raises(UserError, match=setting.split("=")[0]):
        configure(registry, tmp_path, setting)


def configure(
    registry: Registry, folder: Path, *sets: str, methods: str = "dpo,ipo", **flags: str
) -> RunConfig:
    flags = {
        "methods": methods,
        "bench": "bandit",
        "store": str(folder / "store"),
        "out": str(folder / "out"),
        **flags,
    }
    return resolve(registry, None, flags, list(sets), {})


@pytest.fixture(scope="module")
def config(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    folder = tmp_path_factory.mktemp("bandit")
    return configure(registry, folder, "bandit.steps=60", "bandit.runs=2", seeds="0,1")


@pytest.fixture(scope="module")
def outcome(registry: Registry, config: RunConfig) -> pipeline.Outcome:
    return pipeline.run(config, registry)


def test_the_whole_run_writes_results_and_leaderboards(
    outcome: pipeline.Outcome, config: RunConfig
) -> None:
    out = Path(config.out)
    assert outcome.exit_status == 0
    results = read(out / "results.json")
    assert [(c.cell.method, c.cell.seed, c.status) for c in results.cells] == [
        ("dpo", 0, "ok"), ("dpo", 1, "ok"), ("ipo", 0, "ok"), ("ipo", 1, "ok"),
    ]  # fmt: skip
    board = json.loads((out / "leaderboard.json").read_text())
    assert "D1/tau=0.1/a" in json.dumps(board)
    assert "D1/tau=10/a" in (out / "leaderboard.csv").read_text()
    for name in ("leaderboard.md", "leaderboard.html"):
        assert "P(a), tau = 10" in (out / name).read_text()
    assert any("D3' = D3 and (a, c)" in note for note in results.comparisons[0].notes)


def test_the_page_shows_learning_curves(outcome: pipeline.Outcome, config: RunConfig) -> None:
    page = (Path(config.out) / "leaderboard.html").read_text()
    order = [
        page.index(f"{name}: learning curves") for name in ("D1", "D2", "D3", "D3&#39;", "two arms")
    ]
    assert order == sorted(order)
    assert page.count("<figure>") == 5


def test_a_second_run_would_compute_nothing(
    outcome: pipeline.Outcome, config: RunConfig, registry: Registry
) -> None:
    planned, store = pipeline.plan(config, registry)
    assert planned.missing(store) == []


def test_panels_are_in_the_order_of_their_numbers(outcome: pipeline.Outcome) -> None:
    from suite.report.pictures.curves import learning_curves
    from suite.report.table import tables

    (table,) = tables(outcome.results)
    drawn = learning_curves(table, "x")
    assert [p.svg for p in drawn] == [p.svg for p in learning_curves(table, "x")]
    assert [picture.caption.split(":")[0] for picture in drawn] == [
        "D1",
        "D2",
        "D3",
        "D3'",
        "two arms",
    ]
    assert drawn[0].caption.endswith("Dashed: IPO's optimum.")
    # D1: 2 methods x 5 temperatures x 3 arms, each with its dashed optimum
    assert drawn[0].svg.count('stroke-dasharray="') == 30


def test_metrics_of_epochs_make_no_curve(outcome: pipeline.Outcome) -> None:
    from suite.report.pictures.curves import learning_curves
    from suite.report.table import tables

    plain = (
        TrajectoryPoint(1, 10, {"utility": 0.5, "of/two": 1.0}),
        TrajectoryPoint(2, 20, {"utility": None}),
    )
    cells: tuple[CellResult, ...] = tuple(
        replace(cell, trajectory=plain) for cell in outcome.results.cells
    )
    (table,) = tables(replace(outcome.results, cells=cells))
    assert learning_curves(table, "x") == []


@pytest.mark.slow
def test_the_published_run(registry: Registry, tmp_path: Path) -> None:
    """18,000 steps, 10 runs: the paper's figures."""
    outcome = pipeline.run(configure(registry, tmp_path), registry)
    dpo, ipo = ({m.name: m.value for m in cell.metrics} for cell in outcome.results.cells)
    for dataset, solved in SOLVED.items():
        for tau, policy in solved.items():
            ends = [ipo[f"{dataset.name}/tau={tau:g}/{arm}"] for arm in dataset.arms]
            assert ends == pytest.approx(policy, abs=0.05 if tau == 0.1 else 0.02), (
                dataset.name,
                tau,
            )
    for tau in ("0.1", "0.5", "1"):
        assert [dpo[f"D1/tau={tau}/{arm}"] for arm in "abc"] == pytest.approx((1, 0, 0), abs=0.001)
        assert dpo[f"D3'/tau={tau}/c"] == pytest.approx(0, abs=0.001)
    assert [dpo[f"D1/tau=5/{arm}"] for arm in "abc"] == pytest.approx(
        (0.957, 0.041, 0.002), abs=0.001
    )
