"""What attacks found, as results.json holds it.

    "robustness": {
        "utility_loss": 0.1, "baseline": "retrain",
        "found": [{"attack": "relearn", "variant": "lr=2e-05", "step": 20, "method": "npo",
                   "before": 0.05, "value": 0.42, "excess": 0.31, "cost": 0.02, ...}, ...]
    }

Numbers are means over seeds. Excess: the attacked model minus the baseline model (retrain) attacked
alike. What that model shows too is no leak: it never saw the forgotten data.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from suite.api.cells import Closed


@dataclass(frozen=True)
class Found(Closed):
    """A method's model after an attack (step 0: before it)."""

    attack: str
    """As in --attack."""
    variant: str
    """Point of the attack's grid; "" where it has none."""
    step: int | None
    """Optimiser steps of the attack: 0 before it, None where it trains nothing."""
    method: str
    metric: str
    """What is measured: the more, the more is known."""
    before: float | None
    value: float | None
    """After the attack; None with the reason in `note`."""
    ci_low: float | None = None
    ci_high: float | None = None
    excess: float | None = None
    """Over the baseline model attacked alike; None with the reason in `note`."""
    excess_low: float | None = None
    excess_high: float | None = None
    cost: float | None = None
    """Share of its utility that the model lost; below 0: it gained. None with the reason in
    `note`."""
    n: int = 0
    n_clusters: int = 0
    note: str = ""

    @property
    def place(self) -> tuple[str, str, int | None]:
        """Which attack, at which point."""
        return self.attack, self.variant, self.step


@dataclass(frozen=True)
class Robustness(Closed):
    """Everything that the attacks on the models of a table found."""

    utility: str
    """The metric that an attack may cost only so much of."""
    utility_loss: float
    """The largest cost of an attack that counts as a worst case."""
    baseline: str | None
    """The model that excess is over; None: there is none."""
    found: tuple[Found, ...] = ()
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Attack as in --attack -> its settings."""
    notes: tuple[str, ...] = ()

    @property
    def attacks(self) -> list[str]:
        """The attacks, in the order of the run."""
        return list(dict.fromkeys(each.attack for each in self.found))

    def counts(self, found: Found) -> bool:
        """Whether a finding may be a worst case: the attack is done, and cost little."""
        after = found.step != 0 and found.value is not None
        return after and found.cost is not None and found.cost <= self.utility_loss

    def worst(self, method: str, attack: str | None = None) -> Found | None:
        """The worst case of a method, of one attack or of all: the largest excess, or where there
        is no baseline model the largest value. None: no attack counts."""
        own = [each for each in self.found if each.method == method and self.counts(each)]
        chosen = [each for each in own if attack in (None, each.attack)]
        return max(chosen, key=_badness, default=None)


def _badness(found: Found) -> float:
    number = found.excess if found.excess is not None else found.value
    return float("-inf") if number is None else number


def joined(a: Robustness | None, b: Robustness | None, name: str) -> Robustness | None:
    """What two runs found together. Of a method or an attack that both have, what `a` found stays;
    `name`: the second run's."""
    if a is None or b is None:
        return a or b
    shared = a.settings.keys() & b.settings.keys()
    same = all(a.settings[attack] == b.settings[attack] for attack in shared)
    if not same or a.utility_loss != b.utility_loss:
        note = f"{name} was attacked with other settings: what its attacks found is left out."
        return replace(a, notes=(*a.notes, note))
    known = {(each.attack, each.method) for each in a.found}
    more = [each for each in b.found if (each.attack, each.method) not in known]
    notes = tuple(dict.fromkeys((*a.notes, *b.notes)))
    return replace(a, found=(*a.found, *more), settings={**b.settings, **a.settings}, notes=notes)
