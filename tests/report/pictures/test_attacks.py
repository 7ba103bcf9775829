"""The three pictures of attacks show the table's numbers."""

from __future__ import annotations

from suite.report.pictures.attacks import draw_attacks
from suite.report.table import tables
from suite.results.schema import Results
from tests.report.test_robustness import attacked, found


def test_which_pictures_there_are(results: Results) -> None:
    drawn = draw_attacks(attacked(results), "t1")
    assert [each.kind for each in drawn] == [
        "excess",
        "relearning",
        "before-after",
        "before-after",
    ]
    names = [each.name for each in drawn]
    assert len(set(names)) == len(names)
    for each in drawn:
        assert each.caption
        assert each.svg.startswith("<svg")


def test_the_course_of_relearning_starts_before_the_attack(results: Results) -> None:
    _, course, *_ = draw_attacks(attacked(results), "t1")
    (axes,) = course.figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert set(lines) == {"retrain", "ga", "npo"}
    assert list(lines["npo"].get_xdata()) == [0, 5, 10, 15]
    assert list(lines["npo"].get_ydata()) == [0.1, 0.3, 0.3, 0.3]
    assert "the retrain model" in course.caption


def test_excess_is_drawn_where_an_attack_counts(results: Results) -> None:
    excess, *_ = draw_attacks(attacked(results), "t1")
    (axes,) = excess.figure.axes
    heights = {
        container.get_label(): [bar.get_height() for bar in container]
        for container in axes.containers
    }
    assert heights == {"ga": [-0.1], "npo": [0.2, 0.01]}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["relearn", "sample"]


def test_before_against_after_has_a_point_for_each_row(results: Results) -> None:
    *_, sample = draw_attacks(attacked(results), "t1")
    (axes,) = sample.figure.axes
    points = [tuple(line.get_xydata()[0]) for line in axes.lines[1:]]
    assert points == [(0.1, 0.3)] * 2  # npo and retrain; the attack on ga failed


def test_without_attacks_there_are_none(results: Results) -> None:
    (table,) = tables(results)
    assert draw_attacks(table, "t1") == []


def test_without_a_baseline_model_there_is_no_picture_of_excess(results: Results) -> None:
    findings = (
        found("npo", "relearn", 0, None, value=0.1),
        found("npo", "relearn", 5, None),
    )
    drawn = draw_attacks(attacked(results, *findings, baseline=None), "t1")
    assert [each.kind for each in drawn] == ["relearning", "before-after"]
    assert "retrain" not in drawn[0].caption
