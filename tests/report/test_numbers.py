"""How numbers are shown, joined over seeds, and read on a log scale."""

from __future__ import annotations

import math

import pytest

from suite.api.scores import Metric
from suite.report.numbers import duration, number, p_value
from suite.report.values import Value, mean_of, value_of


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.42134, "0.421"), (0.0, "0.000"), (-0.5, "−0.500"), (1.66e-21, "1.7 × 10⁻²¹"),
        (-9.97e-5, "−1.0 × 10⁻⁴"),
        (4e7, "4.0 × 10⁷"), (123.456, "123.5"), (4321.0, "4321"), (None, "n/a"),
    ],
)  # fmt: skip
def test_number(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_signed() -> None:
    assert [number(v, signed=True) for v in (0.04, -0.04, 0.0)] == ["+0.040", "−0.040", "0.000"]


@pytest.mark.parametrize(
    ("log10", "shown"),
    [
        (0.0, "1.000"),
        (math.log10(0.42), "0.420"),
        (-238.9733, "1.1 × 10⁻²³⁹"),
        (-400, "1.0 × 10⁻⁴⁰⁰"),
    ],
)
def test_p_value(log10: float, shown: str) -> None:
    assert p_value(log10) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (48, "48 s"), (250, "4 min 10 s"), (3900, "1 h 05 min")],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def p(value: float) -> Value:
    return value_of(
        {"forget_quality": Metric("forget_quality", value, True, "p-value")}, "forget_quality"
    )


def test_seeds_of_a_p_value_are_averaged_in_logs() -> None:
    mean = mean_of([p(1e-2), p(1e-6)])
    assert mean.value == pytest.approx(1e-4)
    assert mean.log10_p == pytest.approx(-4)
    assert (mean.low, mean.high, mean.spread) == (1e-6, 1e-2, "range over seeds")


def test_seeds_of_another_metric_are_averaged() -> None:
    values = [
        Value("x", v, v - 0.1, v + 0.1, "95 % interval", higher_is_better=True) for v in (0.2, 0.6)
    ]
    mean = mean_of(values)
    assert (mean.value, mean.low, mean.high) == (pytest.approx(0.4), 0.2, 0.6)
    assert mean_of(values[:1]) is values[0]


def test_one_missing_seed_makes_the_mean_missing() -> None:
    mean = mean_of([Value("x", 0.2), Value("x", None, note="no retrain model")])
    assert mean.value is None
    assert mean.note == "missing for 1 of 2 seeds: no retrain model"


def test_a_p_that_underflowed_is_read_from_its_logarithm() -> None:
    metrics = {
        "forget_quality": Metric("forget_quality", 0.0, True, "p-value"),
        "forget_quality_log10p": Metric("forget_quality_log10p", -412.5, True),
    }
    value = value_of(metrics, "forget_quality")
    assert value.goodness == -412.5
    assert value.text == "3.2 × 10⁻⁴¹³"


def test_goodness_turns_lower_is_better() -> None:
    assert Value("x", 0.25, higher_is_better=False).goodness == -0.25
    assert Value("x", 0.25, higher_is_better=None).goodness is None
    assert Value("x", None, higher_is_better=True).goodness is None
