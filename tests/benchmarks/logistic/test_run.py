"""The benchmark through the host: settings, a whole short run of each split, what it leaves
behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.config import benchmark_settings, method_settings, resolve
from suite.registry import Registry
from suite.run import pipeline
from suite.settings import RunConfig

SHORT = ["logistic.steps=30", "logistic.fit_steps=100", "logistic.repeats=2"]


def config(
    registry: Registry, folder: Path, methods: str, sets: list[str], split: str = "theorem"
) -> RunConfig:
    flags = {"methods": methods, "bench": "logistic", "split": split}
    places = {"store": str(folder / "store"), "out": str(folder / "out")}
    return resolve(registry, None, flags | places, [*SHORT, *sets], {})


@pytest.mark.parametrize(
    ("sets", "beta"),
    [
        ([], 1.0),
        (["logistic.alpha=0"], 10.0),
        (["npo.beta=0.3"], 0.3),
        (["logistic.alpha=0", "npo.beta=0.3"], 0.3),
    ],
)
def test_the_papers_beta_unless_the_user_says_otherwise(
    registry: Registry, tmp_path: Path, sets: list[str], beta: float
) -> None:
    resolved = config(registry, tmp_path, "npo", sets)
    assert method_settings(resolved, registry, "npo", "logistic", "synthetic")[0].beta == beta


def test_the_papers_step_sizes_unless_the_user_says_otherwise(
    registry: Registry, tmp_path: Path
) -> None:
    def lr(method: str, *sets: str) -> float:
        settings = benchmark_settings(
            config(registry, tmp_path, "ga", list(sets)), registry, "logistic"
        )
        found: float = settings.synthetic_lr(method)
        return found

    assert (lr("ga"), lr("npo_rt"), lr("idk_dpo")) == (5e-4, 5e-3, 5e-3)
    assert (lr("ga", "logistic.alpha=0"), lr("npo", "logistic.alpha=0")) == (1e-4, 5e-2)
    assert lr("npo", "logistic.lr=0.25") == 0.25


def test_theorem_writes_leaderboards(registry: Registry, tmp_path: Path) -> None:
    outcome = pipeline.run(config(registry, tmp_path, "ga,npo", []), registry)
    assert outcome.exit_status == 0
    ga, npo = outcome.results.cells
    assert {m.name for m in npo.metrics} > {
        "linear_r2",
        "log_r2",
        "log_slope_ratio",
        "log_r2/beta=0.1",
    }
    assert "log_slope_ratio" not in {m.name for m in ga.metrics}
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "log_r2" in text
    assert "forget_distance" not in text.split("\n\n")[0]
    assert (tmp_path / "out" / "leaderboard.html").stat().st_size > 1000


def test_synthetic_writes_a_trajectory_for_every_method(registry: Registry, tmp_path: Path) -> None:
    methods = (
        "ga,grad_diff,kl_min,idk_sft,idk_dpo,npo,npo_rt,npo_kl,simnpo,wga,satimp,undial,task_vector"
    )
    outcome = pipeline.run(config(registry, tmp_path, methods, [], "synthetic"), registry)
    assert outcome.exit_status == 0
    for cell in outcome.results.cells:
        assert [point.step for point in cell.trajectory] == [0, 25, 30]
        final = {m.name: m.value for m in cell.metrics}
        assert final["forget_distance"] == pytest.approx(
            cell.trajectory[-1].metrics["forget_distance"]
        )
    starts = {tuple(cell.trajectory[0].metrics.values()) for cell in outcome.results.cells}
    assert len(starts) == 1, "every method starts from the same networks"


def test_a_second_run_computes_nothing(registry: Registry, tmp_path: Path) -> None:
    settings = config(registry, tmp_path, "ga", [])
    pipeline.run(settings, registry)
    planned, store = pipeline.plan(settings, registry)
    assert planned.missing(store) == []


def test_a_method_without_its_data_is_a_failed_row(registry: Registry, tmp_path: Path) -> None:
    outcome = pipeline.run(config(registry, tmp_path, "npo_rt,ga", []), registry)
    failed, ok = outcome.results.cells
    assert (failed.status, ok.status) == ("failed", "ok")
    assert failed.error == "method 'npo_rt' needs retain; this split offers forget"
