"""Which pictures a table has, and that they show its numbers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from suite.api.cells import TrajectoryPoint
from suite.api.pictures import (
    Bars,
    Curves,
    Distribution,
    Frontier,
    Picture,
    Tradeoff,
    Trajectory,
)
from suite.api.scores import Metric
from suite.report.colours import PALETTE
from suite.report.pictures.draw import draw_pictures
from suite.report.pictures.frontier import front
from suite.report.pictures.marks import marker_of
from suite.report.pictures.plot import Drawing
from suite.report.table import Table, tables
from suite.results.outputs import Outputs
from suite.results.samples import Sample
from suite.results.schema import Results

Samples = dict[str, list[Sample]]


def table_of(results: Results, *pictures: Picture) -> Table:
    (comparison,) = results.comparisons
    declared = replace(comparison, outputs=Outputs(pictures))
    (table,) = tables(replace(results, comparisons=(declared,)))
    return table


def drawn(results: Results, *pictures: Picture, samples: Samples | None = None) -> list[Drawing]:
    return draw_pictures(table_of(results, *pictures), "t1", samples or {})


def measured(results: Results, **values: float) -> Results:
    """The same cells with other metrics, rising over three epochs."""
    metrics = tuple(Metric(name, value, None, n=50) for name, value in values.items())
    course = tuple(
        TrajectoryPoint(e, 7 * e, {n: v * e / 3 for n, v in values.items()}) for e in (1, 2, 3)
    )
    cells = [
        replace(r, metrics=metrics, trajectory=course) if r.status == "ok" else r
        for r in results.cells
    ]
    return replace(results, cells=tuple(cells))


@given(
    st.lists(
        st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)),
        min_size=1,
        max_size=20,
    )
)
def test_the_front_is_what_nothing_dominates(points: list[tuple[float, float]]) -> None:
    def beaten(kl: float, reward: float) -> bool:
        return any(k <= kl and r >= reward and (k, r) != (kl, reward) for k, r in points)

    assert front(points) == sorted({point for point in points if not beaten(*point)})


def test_a_frontier_needs_both_of_its_metrics(results: Results) -> None:
    declared = Frontier("cost", "gain_of_it")
    assert drawn(results, declared) == []
    assert drawn(measured(results, gain_of_it=0.8), declared) == []
    (picture,) = drawn(measured(results, cost=3.0, gain_of_it=0.8), declared)
    assert picture.caption.startswith("Gain of it against cost, with one point")
    (named,) = drawn(
        measured(results, cost=3.0, gain_of_it=0.8), replace(declared, caption="As declared.")
    )
    assert named.caption == "As declared."
    assert 'aria-label="As declared."' in named.svg


def test_bars_stand_in_groups(results: Results) -> None:
    declared = Bars({"few": "low", "some": "medium", "all": "high"}, "words", "share", share=True)
    assert drawn(results, declared) == []
    found = measured(results, low=0.5, medium=0.2, high=0.0)
    (picture,) = drawn(found, declared)
    # Three bars of the first method, and one in the legend.
    assert picture.svg.count(f'fill="{PALETTE[0]}"') >= 3
    assert "low, medium and high" in picture.caption
    (two,) = drawn(found, replace(declared, bars={"few": "low", "all": "high"}))
    bars = picture.svg.count(f'fill="{PALETTE[0]}"') - two.svg.count(f'fill="{PALETTE[0]}"')
    assert bars == 1


def test_a_distribution_is_of_one_set_or_of_all(results: Results, samples: Samples) -> None:
    ratios = Distribution("log_truth_ratio", "forget", "ln truth ratio")
    (picture,) = drawn(results, ratios, samples=samples)
    assert picture.caption == "Cumulative distributions of the questions' ln truth ratio."
    (whole,) = drawn(results, replace(ratios, set=""), samples=samples)
    assert whole.svg.replace("p1", "") == picture.svg.replace("p1", "")  # only forget has them
    assert drawn(results, replace(ratios, set="retain"), samples=samples) == []
    assert drawn(results, replace(ratios, metric="absent"), samples=samples) == []
    assert drawn(results, ratios) == []  # without answers


def test_trajectories_of_each_headline_metric(results: Results) -> None:
    found = drawn(results, Trajectory())
    assert [picture.caption.split(" after")[0] for picture in found] == [
        "Forget quality (D)",
        "Model utility",
    ]
    assert all("Dotted: the retrain model" in picture.caption for picture in found)
    again = drawn(results, Trajectory())
    assert [picture.svg for picture in found] == [
        picture.svg for picture in again
    ]  # the same bytes
    (other,) = drawn(results, Trajectory(("forget_answer_probability",)))
    assert other.caption.startswith("Forget answer probability after each epoch")


def test_a_tradeoff_is_of_headline_metrics_with_a_direction(results: Results) -> None:
    (default,) = drawn(results, Tradeoff())
    assert default.caption.startswith("Forget quality (D) against model utility")
    (turned,) = drawn(results, Tradeoff(x="forget_quality", y="model_utility"))
    assert turned.caption.startswith("Model utility against forget quality (D)")
    assert drawn(results, Tradeoff(x="privleak")) == []


def test_pictures_come_in_the_declared_order_and_share_no_identifier(
    results: Results, samples: Samples
) -> None:
    declared = (Trajectory(), Distribution("log_truth_ratio"), Curves(), Tradeoff())
    found = drawn(results, *declared, samples=samples)
    firsts = [picture.caption.split()[0] for picture in found]
    assert firsts == ["Forget", "Model", "Cumulative", "Forget"]
    identifiers: list[str] = []
    for picture in found:
        parts = picture.svg.split(' id="')[1:]
        identifiers += [part.partition('"')[0] for part in parts]
    assert len(identifiers) == len(set(identifiers)) > 0
    assert drawn(results) == []


def test_the_model_that_methods_are_compared_with_has_a_mark_of_its_own(results: Results) -> None:
    table = table_of(results)
    assert (marker_of(table, "retrain"), marker_of(table, "target")) == ("*", "X")
    other = replace(table, comparison=replace(table.comparison, baseline="target"))
    assert (marker_of(other, "retrain"), marker_of(other, "target")) == ("X", "*")
