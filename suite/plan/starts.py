"""Where the start models of a benchmark come from: models that are there, training, or nowhere.

--start target=A --start retrain=B          both are there; nothing is fine-tuned
--start retrain=B                           no target: enough to measure finished models
--start target=A --start retrain=none       what needs the retrain model is null
(nothing)                                   both are fine-tuned from --model
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from suite.api.benchmark import TextBenchmark
from suite.api.data import Row
from suite.core.errors import UserError
from suite.core.places import NONE, TRAIN
from suite.stages.base_model import imported
from suite.stages.context import Context
from suite.stages.handles import Model


@dataclass(frozen=True)
class Starts:
    """The start models of a benchmark on one split."""

    names: tuple[str, ...]
    """All that the benchmark might have; methods start from the first."""
    ready: Mapping[str, tuple[Model, ...]]
    """Name -> the models that are there; several only of a baseline that all are compared with."""
    made: frozenset[str]
    """Those that the run makes of --model."""
    left_out: frozenset[str] = frozenset()
    """What the user does without."""

    def __contains__(self, name: object) -> bool:
        """Whether there will be such a model."""
        return name in self.ready or name in self.made

    def __iter__(self) -> Iterator[str]:
        """The names of the models that there will be."""
        return (name for name in self.names if name in self)

    def lacking(self, benchmark: str, name: str) -> str:
        """What to say where a start model is needed that will not be there."""
        said = f"benchmark {benchmark!r} needs the start model {name!r}"
        if name in self.left_out:
            return f"{said}, but --start {name}={NONE} leaves it out"
        return (
            f"{said}: name it with --start {name}=MODEL, fine-tune it with --start {name}={TRAIN}, "
            f"or do without it with --start {name}={NONE}"
        )


def starts_of(
    context: Context, benchmark: TextBenchmark[Any], rows: Mapping[str, Sequence[Row]]
) -> Starts:
    """Sort a benchmark's start models by where they come from. UserError: one that cannot be.

    `rows`: what each would be fine-tuned on; on nothing, it is the given model itself.
    """
    config = context.config
    known = {*rows, *benchmark.starts}
    given = {name: models for name, models in config.start.items() if name in known}
    if not given:
        return Starts(tuple(rows), {}, frozenset(rows))
    ready: dict[str, tuple[Model, ...]] = {}
    made = {name for name in rows if not rows[name] and name not in given}
    for name, models in given.items():
        if models == (TRAIN,):
            _check_rows(benchmark, name, rows)
            made.add(name)
        elif models != (NONE,):
            ready[name] = tuple(imported(context, model, f"--start {name}") for model in models)
    left_out = frozenset(name for name, models in given.items() if models == (NONE,))
    # A start model that the data do not speak of may be brought nevertheless.
    further = [name for name in benchmark.starts if name in ready and name not in rows]
    names = sorted([*rows, *further], key=partial(_place, benchmark.starts))
    starts = Starts(tuple(names), ready, frozenset(made), left_out)
    baseline = benchmark.baseline
    if baseline in rows and baseline not in given and baseline not in made:
        raise UserError(starts.lacking(benchmark.name, str(baseline)))
    _check_number(benchmark, starts, config.start_seeds)
    return starts


def _place(declared: Sequence[str], name: str) -> int:
    """Where a name stands among those that the benchmark declares; others come last."""
    return declared.index(name) if name in declared else len(declared)


def _check_rows(
    benchmark: TextBenchmark[Any], name: str, rows: Mapping[str, Sequence[Row]]
) -> None:
    if not rows.get(name):
        raise UserError(
            f"--start {name}={TRAIN}: the data of benchmark {benchmark.name!r} hold nothing to "
            "fine-tune it on"
        )


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
