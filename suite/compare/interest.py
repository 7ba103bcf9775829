"""The smallest difference of interest: what is smaller is never called a difference.

`ga:lr=4.0001e-4` and `ga:lr=3.9999e-4` differ by 2e-5 in every answer, so with enough questions any
test of "no difference" finds one. The tests ask whether the difference exceeds this number instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from suite.core.errors import UserError

OF_SCALE = 0.01
"""Of a mean: a hundredth of its scale, which is 1 for scores in 0..1."""
OF_DISTANCE = 0.05
"""Of a Kolmogorov-Smirnov distance: two models that are alike differ by about as much."""


def default(kind: str, largest: float) -> float:
    """The number for a metric of some kind (`Basis.kind`) whose scores are at most `largest`."""
    if kind == "ks":
        return OF_DISTANCE
    return OF_SCALE * (1.0 if largest <= 1 else largest)


def read(settings: Sequence[str]) -> dict[str, float]:
    """Read `model_utility=0.02` settings. Raises UserError naming the one at fault."""
    found = {}
    for text in settings:
        name, _, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not name or not 0 <= value < float("inf"):
            raise UserError(
                f"smallest_difference: {text!r} is not METRIC=NUMBER with a number of 0 or more, "
                "such as my_metric=0.02"
            )
        found[name] = value
    return found


def of_table(declared: Mapping[str, float], settings: Sequence[str]) -> dict[str, float]:
    """What a benchmark declares, and above it what the user set."""
    return {**declared, **read(settings)}
