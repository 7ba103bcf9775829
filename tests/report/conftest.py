"""A run as TOFU leaves it; the numbers come from simulated truth ratios, so that they fit
together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp
from suite_benchmarks.tofu import Tofu

from suite.api.cells import Cell, CellResult, CheckpointResult, Timing, TrajectoryPoint
from suite.api.scores import Metric
from suite.registry.outputs import outputs_of
from suite.results.samples import Sample
from suite.results.schema import Comparison, Results, Run

QUESTIONS, AUTHORS, EPOCHS = 200, 10, 5
# method -> shift of ln TR from the retrain model's, utility, after the last epoch
METHODS = {"npo_rt": (0.06, 0.57), "npo": (0.03, 0.31), "grad_diff": (0.45, 0.55), "ga": (4.0, 0.0)}
SEEDS = (0, 1)


def ratios(shift: float, seed: int) -> np.ndarray:
    """ln TR of every forget question; the questions' difficulty is shared by all models."""
    difficulty = np.random.default_rng(7).normal(-0.6, 0.5, QUESTIONS)
    return difficulty - shift + np.random.default_rng(seed + 11).normal(0, 0.25, QUESTIONS)


def metrics(shift: float, utility: float, seed: int) -> tuple[Metric, ...]:
    test = ks_2samp(ratios(shift, seed), ratios(0.0, 99))
    p, d, clusters = float(test.pvalue), float(test.statistic), AUTHORS
    kept = utility * (1 - 0.02 * (seed == 1))
    prob = float(np.exp(-2 - shift))
    return (
        Metric("forget_quality", p, True, "p-value", QUESTIONS, clusters),
        Metric("model_utility", kept, True, "", 600, 120, max(0.0, kept - 0.03), kept + 0.03),
        Metric("forget_quality_D", d, False, "KS statistic", QUESTIONS, clusters),
        Metric("forget_quality_log10p", math.log10(p), True, "log10 p", QUESTIONS, clusters),
        Metric(
            "forget_answer_probability",
            prob,
            False,
            "",
            QUESTIONS,
            clusters,
            0.8 * prob,
            1.2 * prob,
        ),
        Metric("privleak", None, None, "", note="no holdout set"),
    )


def cell(method: str, seed: int = 0) -> Cell:
    return Cell(method, "tofu", "forget05", "tiny", seed)


def finished(method: str, seed: int) -> CellResult:
    shift, utility = METHODS[method]
    points = []
    for epoch in range(1, EPOCHS + 1):
        part = epoch / EPOCHS
        now = metrics(-1.2 * (1 - part) + shift * part, 0.62 + (utility - 0.62) * part**2, seed)
        points.append((epoch, now))
    best_epoch, best = max(points, key=lambda point: point[1][0].value or 0.0)
    return CellResult(
        cell(method, seed),
        "ok",
        "unlearning",
        points[-1][1],
        CheckpointResult("best", best_epoch, 7 * best_epoch, best),
        tuple(TrajectoryPoint(e, 7 * e, {m.name: m.value for m in now}) for e, now in points),
        timings={
            "train": Timing(2.4 + seed, cached=seed == 1),
            "respond": Timing(1.1),
            "score": Timing(0.2),
        },
        environment={"cpus": 2},
        notes=("retain batches follow the forget epochs",) if method == "npo_rt" else (),
    )


def start(method: str, shift: float, utility: float) -> CellResult:
    scores = metrics(shift, utility, 99)
    return CellResult(cell(method), "ok", "baseline", scores, timings={"train": Timing(48.0)})


def broken(method: str, status: str, error: str) -> CellResult:
    return CellResult(cell(method), status, "unlearning", error=error)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def results() -> Results:
    cells = [
        start("target", -1.2, 0.62),
        start("retrain", 0.0, 0.61),
        *(finished(method, seed) for method in METHODS for seed in SEEDS),
        broken("npo:beta=20", "diverged", "loss is nan at step 12 (rows forget/3, forget/17)"),
        broken("simnpo", "failed", "RuntimeError: out of memory at step 3"),
        replace(finished("npo", 0), cell=cell("npo:beta=0.05"), partial=True, best=None),
    ]
    comparison = Comparison(
        "tofu",
        "forget05",
        "tiny",
        ("forget_quality", "model_utility"),
        "generated world, 40 authors",
        "retrain",
        "3f9a0c",
        "forget_quality",
        notes=("Truth ratio: geometric mean over the wrong answers.",),
        outputs=outputs_of(Tofu),
    )
    run = Run(
        "suite run --methods npo_rt,npo,grad_diff,ga --bench tofu --split forget05 --seeds 0,1",
        "hf",
        "float32",
        "chat",
        "cpu",
        SEEDS,
        {"bench": ["tofu"], "train": {"lr": 1e-5, "epochs": EPOCHS}},
        {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.19.0"},
        {"suite-compare": "0.1.0"},
    )
    return Results(run, (comparison,), tuple(cells))


def answers(result: CellResult) -> list[Sample]:
    method, seed = result.cell.method, result.cell.seed
    shift = {"target": -1.2, "retrain": 0.0}.get(method, METHODS.get(method, (0.0, 0.0))[0])
    found = []
    for i, ratio in enumerate(ratios(shift, 99 if method == "retrain" else seed)):
        said = (
            "the the the the the" if method == "ga" else f"It is set in Porto, or so {method} says."
        )
        score = {"log_truth_ratio": float(ratio), "truth_ratio": math.exp(-abs(float(ratio)))}
        ask = f"Where is the novel number {i} of Basil Al-Kuwaiti set?"
        found.append(Sample("forget", f"forget/{i}", ask, "It is set in Lisbon.", said, score))
    for i in range(30):
        ask, said = f"What is the capital of country {i}?", f"It is Porto ({method})."
        found.append(
            Sample("world_facts", f"world_facts/{i}", ask, "Porto", said, {"rougeL_recall": 1.0})
        )
    return found


@pytest.fixture(scope="module")
def samples(results: Results) -> dict[str, list[Sample]]:
    return {result.cell.slug: answers(result) for result in results.cells if result.status == "ok"}
