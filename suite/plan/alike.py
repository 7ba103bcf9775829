"""Models that a run is given must be of one kind, and start models different ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from suite.config import finished_path, split_bench
from suite.core.errors import UserError
from suite.core.places import NONE, TRAIN, model_name
from suite.model import source as source_of
from suite.model.likeness import Likeness, likeness_of
from suite.stages.base_model import locate, weights_digest
from suite.stages.context import Context
from suite.tiny.model import SIZES

Named = tuple[str, Path]
"""What named a model, and where it lies."""


def check_models(context: Context) -> None:
    """Refuse a model that is not there, one that is not like the others, and a start model that
    is another one's copy. Files are read, no weights are loaded.

    Benchmarks of finished models alone compare models of any kind.
    """
    config, registry = context.config, context.registry
    if all(split_bench(registry, bench)[0].trains != "model" for bench in config.bench):
        return
    starts = list(_starts(context))
    finished = list(_finished(context))
    if not starts and not finished:
        return
    _refuse_copies(starts)
    model = config.model
    if model == "tiny":
        first, known = "--model tiny", Likeness(SIZES)
    else:
        first, known = "--model", likeness_of(_found(model, "--model"))
    for option, source in (*starts, *finished):
        if why := likeness_of(source).differs(known, chat=config.template == "chat"):
            raise UserError(f"{option} cannot be compared with {first}: {why}")


def given_models(context: Context) -> Iterator[Named]:
    """Every model that the run is given; `tiny` is none."""
    if context.config.model != "tiny":
        yield "--model", _found(context.config.model, "--model")
    yield from _starts(context)
    yield from _finished(context)


def _starts(context: Context) -> Iterator[Named]:
    for name, given in context.config.start.items():
        for model in given:
            if model not in (NONE, TRAIN):
                yield f"--start {name}={model_name(model)}", _found(model, f"--start {name}")


def _finished(context: Context) -> Iterator[Named]:
    for spec in context.config.methods:
        if path := finished_path(context.registry, spec):
            option = f"method {context.row(spec)}"
            yield option, _found(path, option)


def _found(model: str, option: str) -> Path:
    if model == "tiny" and option != "--model":
        raise UserError(f"{option} tiny: a run makes that model itself; name a folder or hub id")
    source_of.check_source(model, option)
    return locate(model, option)[0]


def _refuse_copies(starts: list[Named]) -> None:
    """Refuse two start models with the same weights: to compare with oneself says nothing."""
    known: dict[str, str] = {}
    for option, source in starts:
        weights = weights_digest(source)
        if weights in known:
            raise UserError(f"{option} has the same weights as {known[weights]}")
        known[weights] = option
