"""Start models that are there already: the section [start], and what it says of the run's model.

    --start target=open-unlearning/tofu_Llama-3.2-1B-Instruct_full --start retrain=FOLDER

    [start]
    target = "runs/base/target"
    retrain = ["../retrain_a", "../retrain_b"]

`none` does without a start model; `train` fine-tunes it from --model, as runs without [start] do.
"""

from __future__ import annotations

from typing import Any

from suite.api.finished import FinishedModel
from suite.config.check import start_settings
from suite.config.finished import finished_path
from suite.config.specs import split_bench, split_spec
from suite.core.errors import UserError, unknown
from suite.core.places import NONE, TRAIN
from suite.registry import Registry
from suite.settings import RunConfig


def check_starts(config: RunConfig, registry: Registry) -> None:
    """Refuse a start model that no benchmark of the run has, and one without a model."""
    declared: list[str] = []
    for bench in config.bench:
        declared += split_bench(registry, bench)[0].starts
    for name, models in config.start.items():
        if name not in declared:
            raise unknown(f"start model of {', '.join(config.bench)}", name, declared)
        if not all(models) or not models:
            raise UserError(f"start.{name} is empty: name a model, {NONE} or {TRAIN}")
        if len(models) > 1 and {NONE, TRAIN} & {*models}:
            raise UserError(f"start.{name} is {', '.join(models)}: {NONE} and {TRAIN} stand alone")


def model_of_run(config: RunConfig, registry: Registry) -> str:
    """The run's model where --model does not name one: its first ready start model; where it only
    measures finished models, the first of these; else the default."""
    ready: list[str] = []
    for name in start_settings(registry):
        ready += [model for model in config.start.get(name, ()) if model not in (NONE, TRAIN)]
    classes = [registry.method(split_spec(registry, spec)[0]) for spec in config.methods]
    if not ready and classes and all(issubclass(cls, FinishedModel) for cls in classes):
        ready = [finished_path(registry, spec) for spec in config.methods]
        _refuse_without_starts(config, registry)
    if not ready:
        return config.model
    _refuse_base(config, classes)
    return ready[0]


def _refuse_without_starts(config: RunConfig, registry: Registry) -> None:
    """Refuse to fine-tune start models from a checkpoint that was to be measured."""
    for bench in config.bench:
        starts = split_bench(registry, bench)[0].starts
        if starts and not {*starts} & config.start.keys():
            raise UserError(
                f"benchmark {bench!r} compares with the start model {starts[-1]!r}: name it with "
                f"--start {starts[-1]}=MODEL (or {NONE}), or name the model that start models are "
                "fine-tuned from with --model"
            )


def _refuse_base(config: RunConfig, methods: list[type[Any]]) -> None:
    """Refuse what needs the model before fine-tuning, which nothing names."""
    for name, models in config.start.items():
        if models == (TRAIN,):
            raise UserError(f"--start {name}={TRAIN} fine-tunes a model: name it with --model")
    for method in methods:
        if method.answered_by == "base":
            raise UserError(
                f"method {method.name!r} asks the model before fine-tuning: name it with --model"
            )
