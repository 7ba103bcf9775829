"""The control: the longer answer wins. What another judge says has to be more than this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suite import hookimpl
from suite.api.judge import Comparison, Judge, Verdict
from suite.store import Json


@dataclass(frozen=True)
class LengthConfig:
    """No settings."""


class Length(Judge[LengthConfig]):
    """The longer answer (in characters) wins: a control that knows nothing of quality."""

    name = "length"
    Config = LengthConfig

    def identity(self) -> dict[str, Json]:
        """Nothing decides but the answers."""
        return {}

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Count characters."""
        for each in comparisons:
            yield by_value(each, len(each.first), len(each.second))

    def describe(self) -> str:
        """Warn that it is a control."""
        return "length (a control: the longer answer wins)"


def by_value(comparison: Comparison, first: float, second: float) -> Verdict:
    """The answer with the larger value wins; equal values tie."""
    if first == second:
        return Verdict(comparison.id, "tie")
    return Verdict(comparison.id, "first" if first > second else "second")


@hookimpl
def suite_judges() -> list[type[Judge[Any]]]:
    """Register the judge."""
    return [Length]
