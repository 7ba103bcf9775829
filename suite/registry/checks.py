"""What a class must have before the host offers it. A plugin that lacks it is broken."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, get_type_hints

from suite.api.attack import Attack
from suite.api.benchmark import Benchmark
from suite.api.engine import Engine
from suite.api.executor import Executor
from suite.api.finished import FinishedModel
from suite.api.judge import Judge
from suite.api.method import Method
from suite.api.stages import StageKind
from suite.core.errors import unknown
from suite.registry.outputs import check_outputs
from suite.registry.plugin import NAME
from suite.settings import RunConfig, TrainConfig

FAMILIES = ("unlearning", "alignment", "baseline", "finished")
JUDGE_SECTION = "judge_"
"""A judge's section is this and its name: a judge and an engine may both be called `openai`."""
ATTACK_SECTION = "attack_"
"""The same of an attack: a method and an attack may both be called `few_shot`."""
SECTIONS = {"judge": JUDGE_SECTION, "attack": ATTACK_SECTION}
REWARDS = ("", "ground_truth", "model", "own")
RESERVED = frozenset(field.name for field in fields(RunConfig))
SCORE_OPTIONS = frozenset({"bench", "set", "block", "json", "help", "h"})
"""What `suite score` itself understands."""
TRAINING = frozenset(field.name for field in fields(TrainConfig))


def hooks_of(module: ModuleType, known: Mapping[str, Any]) -> SimpleNamespace:
    """Collect the functions of a module that are marked `@hookimpl`.

    Refuses a misspelt hook, a wrapper, and a module without any hook.
    """
    if not isinstance(module, ModuleType):
        raise TypeError(f"the entry point must name a module, not {module!r}")
    marked: dict[str, Any] = {}
    bare: list[str] = []  # named like a hook, but not marked
    # Only functions are looked at. pluggy would look at every attribute of the module, and a look
    # at the lazy `suite.losses` loads torch.
    for name, value in vars(module).items():
        if type(value) is not FunctionType:
            continue
        if hasattr(value, "suite_impl"):
            _check_hook(name, value.suite_impl, known)
            marked[name] = value
        elif name in known:
            bare.append(name)
    if not marked:
        hint = f"mark {min(bare)} with @hookimpl" if bare else "see docs/plugins.md"
        raise TypeError(f"the module implements no hook; {hint}")
    return SimpleNamespace(**marked)


def _check_hook(name: str, options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse a hook that nobody calls, and a wrapper. `options`: what `@hookimpl` was given."""
    hook = options["specname"] or name
    if hook not in known and not options["optionalhook"]:
        raise unknown("hook", hook, known)
    if options["wrapper"] or options["hookwrapper"]:
        raise TypeError(
            f"{name} is a wrapper, but hooks are called one by one and cannot be wrapped"
        )


def check_method(cls: Any) -> None:
    """Refuse a class that cannot serve as a method."""
    _check_class(cls, Method)
    if cls.family not in FAMILIES:
        raise TypeError(
            f"{cls.__name__}.family is {cls.family!r}; it must be one of {', '.join(FAMILIES)}"
        )
    _check_strings(cls, "roles", frozenset)
    if cls.needs_reward not in REWARDS:
        raise TypeError(
            f"{cls.__name__}.needs_reward is {cls.needs_reward!r}; it must be one of {REWARDS}"
        )
    _check_config(cls)
    hidden = TRAINING & get_type_hints(cls.Config).keys()
    if hidden:
        raise TypeError(
            f"{cls.__name__}.Config.{min(hidden)} hides the training setting; rename it"
        )
    for name in cls.train_defaults:
        if name not in TRAINING:
            raise unknown(f"setting in {cls.__name__}.train_defaults", name, TRAINING)


def check_benchmark(cls: Any) -> None:
    """Refuse a class that cannot serve as a benchmark."""
    _check_class(cls, Benchmark)
    _check_strings(cls, "provides", frozenset)
    _check_strings(cls, "splits", tuple)
    _check_strings(cls, "primary", tuple)
    _check_names(cls, "starts", tuple)
    _check_config(cls)
    if cls.argument is not None and cls.argument not in get_type_hints(cls.Config):
        raise TypeError(
            f"{cls.__name__}.argument is {cls.argument!r}, which is no setting of its Config"
        )
    for option in cls.files:
        if not NAME.fullmatch(option) or option in SCORE_OPTIONS:
            raise TypeError(
                f"{cls.__name__}.files has {option!r}, which cannot be an option of `suite score`"
            )
    check_outputs(cls)
    _check_headlines(cls)
    if cls.files and cls.score_files is Benchmark.score_files:
        raise TypeError(f"{cls.__name__} names files, but does not define score_files")


def _check_headlines(cls: Any) -> None:
    """Refuse names that are doubled, and what is declared of a headline metric that is none."""
    for attribute in ("primary", "splits"):
        for name, count in Counter(getattr(cls, attribute)).items():
            if count > 1:
                raise TypeError(f"{cls.__name__}.{attribute} has {name!r} twice")
    for attribute in ("basis", "smallest_difference"):
        for name in getattr(cls, attribute):
            if name not in cls.primary:
                raise unknown(f"headline metric in {cls.__name__}.{attribute}", name, cls.primary)
    for attribute in ("best_by", "baseline"):
        value = getattr(cls, attribute)
        if not isinstance(value, str | None):
            raise TypeError(f"{cls.__name__}.{attribute} must be a name or None, not {value!r}")
    for name, worst in cls.reference_point.items():
        number = isinstance(worst, int | float) and math.isfinite(worst)
        if not number:
            raise TypeError(
                f"{cls.__name__}.reference_point[{name!r}] must be a finite number, not {worst!r}"
            )
    for name in cls.default_splits:
        if name not in cls.splits:
            raise unknown(f"split in {cls.__name__}.default_splits", name, cls.splits)


def check_engine(cls: Any) -> None:
    """Refuse a class that cannot serve as an engine."""
    _check_class(cls, Engine)
    _check_config(cls)


def check_executor(cls: Any) -> None:
    """Refuse a class that cannot serve as an executor."""
    _check_class(cls, Executor)


def check_judge(cls: Any) -> None:
    """Refuse a class that cannot serve as a judge."""
    _check_class(cls, Judge)
    _check_config(cls)


def check_attack(cls: Any) -> None:
    """Refuse a class that cannot serve as an attack."""
    _check_class(cls, Attack)
    _check_config(cls)


def check_stage(kind: Any) -> None:
    """Refuse what is no kind of stage."""
    if not isinstance(kind, StageKind):
        raise TypeError(f"{kind!r} is no kind of stage: mark its function with @suite.builds(name)")
    if not NAME.fullmatch(kind.name):
        raise TypeError(
            f"a kind of stage is named {kind.name!r}; it must be a-z, then a-z, 0-9 or _"
        )


CHECKS: Mapping[str, tuple[str, Callable[[Any], None]]] = {
    "method": ("suite_methods", check_method),
    "benchmark": ("suite_benchmarks", check_benchmark),
    "engine": ("suite_engines", check_engine),
    "executor": ("suite_executors", check_executor),
    "judge": ("suite_judges", check_judge),
    "attack": ("suite_attacks", check_attack),
    "stage": ("suite_stages", check_stage),
}


def _check_class(cls: Any, base: Any) -> None:
    """Refuse what is no class of this kind, lacks something, or has a name that cannot be used."""
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise TypeError(f"{cls!r} is not a subclass of suite.{base.__name__}")
    name = getattr(cls, "name", None)
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise TypeError(f"{cls.__name__}.name is {name!r}; it must be a-z, then a-z, 0-9 or _")
    # A finished model has no section that could be taken for a setting.
    if name in RESERVED and not issubclass(cls, FinishedModel):
        raise TypeError(
            f"{cls.__name__}.name is {name!r}, which is a setting of the run; choose another"
        )
    for kind, prefix in SECTIONS.items():
        if name.startswith(prefix) and base.__name__.lower() != kind:
            raise TypeError(
                f"{cls.__name__}.name is {name!r}, but {prefix}NAME is the section of the {kind} "
                "NAME; rename it"
            )
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise TypeError(f"{cls.__name__} does not define {missing}")
    for annotated in base.__annotations__:
        if not hasattr(cls, annotated):
            raise TypeError(f"{cls.__name__} does not define {annotated}")


def _check_strings(cls: Any, attribute: str, kind: type[Any]) -> None:
    """Refuse what is no collection of names.

    Where the order counts (a tuple), the first is the default or the most important, so there must
    be one.
    """
    _check_names(cls, attribute, kind)
    if kind is tuple and not getattr(cls, attribute):
        raise TypeError(f"{cls.__name__}.{attribute} is empty; name at least one")


def _check_names(cls: Any, attribute: str, kind: type[Any]) -> None:
    """Refuse what is no collection of names; it may be empty."""
    value = getattr(cls, attribute)
    if not (isinstance(value, kind) and all(isinstance(item, str) for item in value)):
        raise TypeError(
            f"{cls.__name__}.{attribute} must be a {kind.__name__} of names, not {value!r}"
        )


def _check_config(cls: Any) -> None:
    """Refuse settings without a default, or with an annotation that cannot be resolved."""
    if not (isinstance(cls.Config, type) and is_dataclass(cls.Config)):
        raise TypeError(f"{cls.__name__}.Config must be a dataclass")
    get_type_hints(cls.Config)
    for field in fields(cls.Config):
        if field.default is MISSING and field.default_factory is MISSING:
            raise TypeError(f"{cls.__name__}.Config.{field.name} needs a default")
    cls.Config()  # its own checks must accept the defaults
