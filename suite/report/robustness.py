"""What attacks found, as a table for the page: a line for each method and attack, at its worst.

method    attack             before   after           excess           utility lost
npo_rt    relearn, lr=2e-05  0.040    0.184 [..]      +0.011 [..]      −14 %
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from suite.report.numbers import MISSING, number
from suite.report.table import Table
from suite.results.robustness import Found, Robustness

HEADERS = ("Method", "Attack", "Before", "After", "Excess", "Utility lost")


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    method: str
    attack: str
    detail: str
    """Point of the grid and step."""
    before: str
    after: str
    after_bounds: str
    excess: str
    excess_bounds: str
    cost: str
    worst: bool
    """Whether it is the method's worst case over all attacks."""
    why: str
    """Why a number is missing."""

    @property
    def cells(self) -> list[str]:
        """The line as plain texts, in the order of HEADERS."""
        attack = f"{self.attack}{', ' if self.detail else ''}{self.detail}"
        after = f"{self.after} {self.after_bounds}".strip()
        excess = f"{self.excess} {self.excess_bounds}".strip()
        return [self.method, attack, self.before, after, excess, self.cost]


def lines(table: Table) -> list[Line]:
    """The worst case of every method and attack; where none counts, the last point, and why."""
    robustness = table.comparison.robustness
    if robustness is None:
        return []
    found = []
    for row in (*table.methods, *table.baselines):
        worst = robustness.worst(row.method)
        for attack in robustness.attacks:
            shown = robustness.worst(row.method, attack) or _last(robustness, row.method, attack)
            if shown is not None:
                found.append(_line(robustness, shown, shown == worst))
    return found


def _last(robustness: Robustness, method: str, attack: str) -> Found | None:
    own = [each for each in robustness.found if (each.method, each.attack) == (method, attack)]
    return own[-1] if own else None


def _line(robustness: Robustness, found: Found, worst: bool) -> Line:
    is_baseline = found.method == robustness.baseline
    excess = "–" if is_baseline else number(found.excess, signed=True)
    return Line(
        found.method,
        found.attack,
        detail_of(found),
        number(found.before),
        number(found.value),
        _bounds(found.ci_low, found.ci_high),
        excess,
        _bounds(found.excess_low, found.excess_high),
        share(found.cost),
        worst and not is_baseline,
        _why(robustness, found),
    )


def detail_of(found: Found) -> str:
    """Point of the grid and step: "lr=2e-05, step 20"."""
    step = f"step {found.step}" if found.step else ""
    return ", ".join(filter(None, (found.variant, step)))


def _why(robustness: Robustness, found: Found) -> str:
    """Why a number is missing, or does not count."""
    parts = [found.note]
    if found.cost is not None and found.cost > robustness.utility_loss:
        parts.append(f"costs more than {share(robustness.utility_loss)} of utility: does not count")
    return "; ".join(filter(None, parts))


def _bounds(low: float | None, high: float | None) -> str:
    """Limits as people read them. Where nothing varied there are none to speak of."""
    if low is None or high is None or low == high:
        return ""
    return f"[{number(low)}, {number(high)}]"


def share(value: float | None) -> str:
    """A share in percent; below 0 where something was gained."""
    if value is None:
        return MISSING
    percent = round(100 * value)
    return f"{'−' if percent < 0 else ''}{abs(percent)} %"


def sentences(table: Table) -> Iterator[str]:
    """How to read the table."""
    robustness = table.comparison.robustness
    if robustness is None:
        return
    yield (
        "Before and after: what a model shows of the forget data (the more, the more it knows). "
        "In brackets: 95 % intervals."
    )
    if robustness.baseline:
        yield (
            f"Excess: after the attack, minus the {robustness.baseline} model attacked alike, "
            "which never saw these data: 0 means that the attack brings nothing back."
        )
    else:
        yield "There is no excess, because there is no model that never saw these data."
    yield (
        f"Each line is the worst point of the attack's grid that costs at most "
        f"{share(robustness.utility_loss)} of {robustness.utility.replace('_', ' ')}; intervals do "
        "not cover this choice. Worst: the method's worst case over all attacks."
    )
    yield from robustness.notes


def leaking(table: Table) -> Iterator[str]:
    """Say which methods show more than the baseline model by more than chance, if one was
    attacked."""
    robustness = table.comparison.robustness
    if robustness is None or robustness.baseline is None:
        return
    found_in = []
    for row in table.methods:
        found = robustness.worst(row.method)
        if found is not None and found.excess_low is not None and found.excess_low > 0:
            found_in.append(row.method)
    if found_in:
        yield (
            f"Under attack these methods show more of the forget data than the "
            f"{robustness.baseline} model does: {', '.join(found_in)}."
        )
    else:
        yield (
            f"No attack brought back more than the {robustness.baseline} model shows, beyond "
            "chance."
        )
