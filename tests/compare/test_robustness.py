"""Excess, cost and intervals of attacked models, from item scores; what is null, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from suite.api.scores import ItemScore, Metric
from suite.compare.parts import Scored
from suite.compare.robustness import Alike, _compared, mean_of
from suite.results.robustness import Found
from suite.stats import cluster_bootstrap

AUTHORS, EACH = 10, 4
CLUSTERS = [f"author/{i // EACH}" for i in range(AUTHORS * EACH)]
EMPTY = Found("relearn", "lr=1", 5, "", "forget_known", None, None)


def scored(known: float, kept: float | None, seed: int, start: int = 0) -> Scored:
    """A model that knows so much; questions differ in difficulty."""
    rng = np.random.default_rng([seed, int(1000 * known)])
    values = known + np.random.default_rng(3).normal(0, 0.02, len(CLUSTERS))
    values += rng.normal(0, 0.02, len(CLUSTERS))
    items = [
        ItemScore("known", "forget", f"forget/{i}", cluster, float(value))
        for i, (cluster, value) in enumerate(zip(CLUSTERS, values, strict=True))
    ]
    metrics = {"forget_known": Metric("forget_known", float(values.mean()), False)}
    if kept is not None:
        metrics["kept"] = Metric("kept", kept, True)
    return Scored(metrics, {("forget", "known"): items}, start, seed)


def compared(
    before: dict[str, Sequence[Scored]],
    after: dict[str, Sequence[Scored]],
    baseline: str | None = "retrain",
    changes: bool = True,
) -> dict[str, Found]:
    found = _compared(EMPTY, Alike(baseline), before, after, "kept", changes)
    return {each.method: each for each in found}


def both(**after: Sequence[Scored]) -> tuple[dict[str, Sequence[Scored]], ...]:
    before = {name: [scored(0.1, 0.8, run.seed, run.start) for run in runs]
              for name, runs in after.items()}  # fmt: skip
    return before, dict(after)


def test_excess_is_the_difference_to_the_baseline_model_attacked_alike() -> None:
    before, after = both(npo=[scored(0.5, 0.76, 0)], retrain=[scored(0.2, 0.8, 9)])
    found = compared(before, after)
    npo, retrain = found["npo"], found["retrain"]
    assert npo.value == mean_of(after["npo"], "forget_known")
    assert retrain.value is not None and npo.value is not None
    assert npo.excess == pytest.approx(npo.value - retrain.value)
    assert npo.excess_low is not None and npo.excess_high is not None
    assert 0.25 < npo.excess_low < npo.excess < npo.excess_high < 0.35
    assert (npo.n, npo.n_clusters) == (40, 10)
    assert (retrain.excess, retrain.excess_low) == (0.0, None)


def test_what_makes_a_question_hard_for_both_widens_nothing() -> None:
    """The interval is that of the paired differences, by author."""
    before, after = both(npo=[scored(0.5, 0.8, 0)], retrain=[scored(0.2, 0.8, 9)])
    npo = compared(before, after)["npo"]
    pairs = [after[name][0].items[("forget", "known")] for name in ("npo", "retrain")]
    differences = [a.value - b.value for a, b in zip(*pairs, strict=True)]  # type: ignore[operator]
    expected = cluster_bootstrap(differences, CLUSTERS)
    assert expected.low is not None and expected.high is not None
    assert npo.excess_low == pytest.approx(expected.low, abs=2e-3)
    assert npo.excess_high == pytest.approx(expected.high, abs=2e-3)


def test_seeds_that_differ_widen_the_interval() -> None:
    alike = both(npo=[scored(0.5, 0.8, s) for s in range(3)], retrain=[scored(0.2, 0.8, 9)])
    apart = both(
        npo=[scored(known, 0.8, s) for s, known in enumerate((0.3, 0.5, 0.7))],
        retrain=[scored(0.2, 0.8, 9)],
    )
    widths = []
    for before, after in (alike, apart):
        npo = compared(before, after)["npo"]
        assert npo.excess_low is not None and npo.excess_high is not None
        widths.append(npo.excess_high - npo.excess_low)
    assert widths[1] > 5 * widths[0]


def test_cost_is_the_share_of_utility_that_is_lost() -> None:
    before, after = both(npo=[scored(0.5, 0.6, 0)], retrain=[scored(0.2, 0.84, 9)])
    found = compared(before, after)
    assert found["npo"].cost == pytest.approx(0.25)
    assert found["retrain"].cost == pytest.approx(-0.05)
    # Nothing was left to lose.
    before["npo"] = [scored(0.1, 0.0, 0)]
    assert compared(before, after)["npo"].cost == 0
    # The model is asked in another way, and nobody asks about utility.
    after["npo"] = [scored(0.5, None, 0)]
    assert compared(before, after, changes=False)["npo"].cost == 0
    missing = compared(before, after)["npo"]
    assert (missing.cost, missing.note) == (None, "no cost: kept has no value")


def test_without_a_baseline_model_there_is_a_reason_instead_of_excess() -> None:
    before, after = both(npo=[scored(0.5, 0.8, 0)])
    npo = compared(before, after, baseline=None)["npo"]
    assert npo.excess is None
    assert npo.note == "no excess: there is no baseline model to attack alike"
    assert npo.value is not None and npo.ci_low is not None


def test_an_attack_that_failed_in_one_run_is_null_for_its_method_alone() -> None:
    before, after = both(
        npo=[scored(0.5, 0.8, 0), scored(0.5, 0.8, 1)],
        ga=[scored(0.4, 0.8, 0), scored(0.4, 0.8, 1)],
        retrain=[scored(0.2, 0.8, 9)],
    )
    after["npo"] = after["npo"][:1]
    found = compared(before, after)
    assert (found["npo"].value, found["npo"].note) == (None, "the attack failed")
    assert found["npo"].before is not None
    assert found["ga"].excess is not None


def test_a_missing_value_keeps_its_reason() -> None:
    before, after = both(npo=[scored(0.5, 0.8, 0)], retrain=[scored(0.2, 0.8, 9)])
    lacking = Metric("forget_known", None, False, note="3 of 40 items have no value")
    after["npo"] = [Scored({**after["npo"][0].metrics, "forget_known": lacking}, {}, 0, 0)]
    npo = compared(before, after)["npo"]
    assert (npo.value, npo.excess, npo.note) == (None, None, "3 of 40 items have no value")
