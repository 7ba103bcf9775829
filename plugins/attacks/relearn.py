"""Relearning: a little fine-tuning, after which the model knows again what it had only hidden.

    theta' = argmin CE(rows), from the unlearned model        evaluated in the course of training

What the rows are decides what the attack shows:

    disjoint    some authors (clusters) of the forget set; asked about the others. What comes back
                was never shown to the attacker (Deeb and Roger, arXiv 2410.08827).
    subset      some facts about each author; asked about the others (Hu et al., arXiv 2406.13356)
    retain      rows that were to be kept: benign fine-tuning
    forget      the forget set itself: how fast it is learnt again. Even a model that never knew it
                learns it, so only the excess over the retrain model says something.

Each learning rate is an attack of its own; the report looks for the worst. The recipe is that of
RepSelect's evaluation (arXiv 2606.17168): a constant rate, batches of 32, 10 epochs, evaluated
after each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from suite import Attack, BenchmarkData, Given, Phase, Target, UserError, hookimpl
from suite.ranges import Count, Fraction, Index, Positive

from .split import Split

SPLITS: dict[str, Literal["clusters", "rows"]] = {"disjoint": "clusters", "subset": "rows"}
"""Kind of attack data -> what is parted into learnt and asked."""


@dataclass(frozen=True)
class RelearnConfig:
    """What is learnt, how fast, and how long."""

    data: Literal["disjoint", "subset", "retain", "forget"] = "disjoint"
    """What the attack trains on, see above."""
    share: Fraction = 0.5
    """Of `disjoint` the share of the clusters, of `subset` the share of each cluster's rows, that
    is learnt from."""
    lr: tuple[Positive, ...] = (7e-6, 2e-5, 5e-5)
    """Learning rates: an attack with each."""
    epochs: Count = 10
    """Passes over the attack's rows."""
    every: Count = 1
    """The model is evaluated after so many epochs each, and after the last."""
    batch_size: Count = 32
    """Rows in each optimiser step."""
    seed: Index = 0
    """Draws another part of the forget set."""

    def __post_init__(self) -> None:
        if not self.lr or len(set(self.lr)) < len(self.lr):
            raise ValueError("lr must name at least one learning rate, and each once")


class Relearn(Attack[RelearnConfig]):
    """A little fine-tuning, on rows that hold none of the tested facts."""

    name = "relearn"
    Config = RelearnConfig

    @property
    def disjoint(self) -> bool:
        """All kinds of attack data but the forget set itself."""
        return self.config.data != "forget"

    @property
    def _split(self) -> Split | None:
        by = SPLITS.get(self.config.data)
        return Split(by, self.config.share, self.config.seed) if by else None

    def check(self, target: Target) -> None:
        """Refuse a benchmark without such rows."""
        role = "retain" if self.config.data == "retain" else "forget"
        if not target.data.roles.get(role):
            raise UserError(f"attack 'relearn': {target.data.revision} holds no {role} rows")
        if self._split:
            self._split.check(target, f"attack 'relearn', data={self.config.data}")

    def tested(self, target: Target) -> BenchmarkData:
        """The facts that are not learnt from."""
        return self._split.tested(target) if self._split else target.data

    def phases(self, target: Target) -> Sequence[Phase]:
        """A training with each learning rate."""
        rows = self._rows(target)
        train = {
            "epochs": self.config.epochs,
            "batch_size": self.config.batch_size,
            "schedule": "constant",
            "warmup_epochs": 0.0,
            "warmup_steps": 0,
        }
        found = []
        for lr in self.config.lr:
            found.append(
                Phase(
                    f"lr={lr:g}",
                    method="sft",
                    rows={"demonstrations": rows},
                    train={**train, "lr": lr},
                    every=self.config.every,
                )
            )
        return found

    def _rows(self, target: Target) -> Given:
        if self._split:
            return self._split.learnt(target)
        return target.data.roles["retain" if self.config.data == "retain" else "forget"]


@hookimpl
def suite_attacks() -> list[type[Attack[Any]]]:
    """Register the attack."""
    return [Relearn]
