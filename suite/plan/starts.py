"""Where the start models of a benchmark come from: models that are there, training, or nowhere.

--start target=A --start retrain=B          both are there; nothing is fine-tuned
--start retrain=B                           no target: enough to measure finished models
--start target=A --start retrain=none       what needs the retrain model is null
(nothing)                                   both are fine-tuned from --model
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.api.benchmark import TextBenchmark
from suite.core.errors import UserError
from suite.core.places import NONE, TRAIN
from suite.stages.base_model import imported
from suite.stages.context import Context
from suite.stages.handles import Model


@dataclass(frozen=True)
class Starts:
    """The start models of a benchmark on one split."""

    ready: Mapping[str, tuple[Model, ...]]
    """Name -> the models that are there; several only of a baseline that all are compared with."""
    trained: frozenset[str]
    """Fine-tuned by the run."""
    left_out: frozenset[str] = frozenset()
    """What the user does without."""

    def __contains__(self, name: object) -> bool:
        """Whether there will be such a model."""
        return name in self.ready or name in self.trained

    def lacking(self, benchmark: str, name: str) -> str:
        """What to say where a start model is needed that will not be there."""
        said = f"benchmark {benchmark!r} needs the start model {name!r}"
        if name in self.left_out:
            return f"{said}, but --start {name}={NONE} leaves it out"
        return (
            f"{said}: name it with --start {name}=MODEL, fine-tune it with --start {name}={TRAIN}, "
            f"or do without it with --start {name}={NONE}"
        )


def starts_of(context: Context, benchmark: TextBenchmark[Any], names: Sequence[str]) -> Starts:
    """Sort a benchmark's start models by where they come from. UserError: one that cannot be."""
    config = context.config
    given = {name: config.start[name] for name in names if name in config.start}
    if not given:
        return Starts({}, frozenset(names))
    ready: dict[str, tuple[Model, ...]] = {}
    for name, models in given.items():
        if models not in ((NONE,), (TRAIN,)):
            ready[name] = tuple(imported(context, model, f"--start {name}") for model in models)
    trained = frozenset(name for name, models in given.items() if models == (TRAIN,))
    left_out = frozenset(name for name, models in given.items() if models == (NONE,))
    starts = Starts(ready, trained, left_out)
    if benchmark.baseline in names and benchmark.baseline not in given:
        raise UserError(starts.lacking(benchmark.name, str(benchmark.baseline)))
    _check_number(benchmark, starts, config.start_seeds)
    return starts


def _check_number(
    benchmark: TextBenchmark[Any], starts: Starts, start_seeds: Sequence[int]
) -> None:
    """Refuse several models where one is meant, and start seeds of models that are there."""
    for name, models in starts.ready.items():
        several = name == benchmark.baseline and benchmark.compares_every_start
        if len(models) > 1 and not several:
            raise UserError(
                f"--start {name} names {len(models)} models, but benchmark {benchmark.name!r} "
                "uses one"
            )
    if starts.ready and len(start_seeds) > 1:
        names = ", ".join(starts.ready)
        raise UserError(
            f"start seeds vary the training of start models, but {names} of {benchmark.name!r} are "
            "ready: leave out --start-seeds (further retrain models: --start NAME=A --start NAME=B)"
        )
