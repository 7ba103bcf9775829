"""Turn given values into the types of their settings, or into one line that says what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from suite.api.method import Method
from suite.config.fields import Setting, settings_of
from suite.config.layers import TOP, Given
from suite.config.places import beside, each_path
from suite.core.errors import UserError, nearest, unknown
from suite.core.places import NONE, StartModels
from suite.core.places import TRAIN as TRAIN_IT
from suite.registry import Registry
from suite.settings import TrainConfig

if TYPE_CHECKING:
    from pydantic import TypeAdapter

TRAIN = settings_of(TrainConfig)
SECTIONS = ("finetune", "train")
STARTS = "start"
OWN = {**TRAIN, "seeds": TOP["seeds"]}
"""The host's settings that may stand in a method's section, for that method alone."""
AT_LEAST = {name: 0 for name, setting in TRAIN.items() if setting.bare in (int, float)}
AT_LEAST |= {
    "seeds": 0,
    "start_seeds": 0,
    "limit": 1,
    "epochs": 1,
    "batch_size": 1,
    "max_length": 2,
}
"""The smallest allowed value of the host's own settings. Every number must be finite, too."""


def known_settings(registry: Registry, section: str) -> dict[str, Setting]:
    """Map the fields of a section to their settings. UserError: no such section."""
    if section == "":
        return TOP
    if section in SECTIONS:
        return TRAIN
    if section == STARTS:
        return start_settings(registry)
    if section in TOP:
        raise UserError(f"{section} is a single setting, not a section")
    configured = registry.configured()
    if section not in configured:
        raise unknown("section", section, [*SECTIONS, STARTS, *configured])
    return settings_of_class(configured[section])


def settings_of_class(cls: type[Any]) -> dict[str, Setting]:
    """Map what may be set for a method, benchmark, engine or judge to settings."""
    return settings_of(cls.Config) | (OWN if issubclass(cls, Method) else {})


def checked(registry: Registry, given: Given, known: dict[str, Setting] | None = None) -> Any:
    """Return the value as its setting's type. `known`: the settings there are; None: those of its
    section.

    UserError names source, setting, value and what is expected.
    """
    try:
        known = known_settings(registry, given.section) if known is None else known
        if given.field not in known:
            raise _unknown_setting(registry, given, known)
    except UserError as error:
        raise UserError(f"{given.source}: {error}") from None
    setting = known[given.field]
    host = known is TOP or setting is OWN.get(given.field)
    value = convert(setting, given, AT_LEAST.get(given.field) if host else None)
    return placed(value, given.folder, setting)


def placed(value: Any, folder: Path | None, setting: Setting) -> Any:
    """A path of a configuration file in `folder`, as a path from here; other values as they are."""
    if folder is None or setting.place is None:
        return value
    return each_path(value, partial(beside, folder, setting=setting))


def start_settings(registry: Registry) -> dict[str, Setting]:
    """Map the start models that benchmarks declare to settings of the section [start]."""
    found: dict[str, Setting] = {}
    for benchmark in registry.benchmarks():
        for name in benchmark.starts:
            doc = (
                f"The start model {name!r}: hub id (owner/name@revision), folder, .gguf file, "
                f"adapter folder, `{NONE}` or `{TRAIN_IT}`."
            )
            found.setdefault(name, Setting(name, StartModels, (), doc))
    return found


def _unknown_setting(registry: Registry, given: Given, known: Iterable[str]) -> UserError:
    field = given.field
    if given.section:
        # The hint compares the fields alone: a long name of the section makes all of them alike.
        names = sorted(known)
        near = nearest(field, names)
        if near is not None:
            hint = f"did you mean {f'{given.section}.{near}'!r}?"
        else:
            hint = f"known: {', '.join(f'{given.section}.{name}' for name in names) or 'none'}"
        return UserError(f"unknown setting {given.name!r}; {hint}")
    if field in SECTIONS:
        return UserError(f"{field} is a section; its settings are {field}.lr and others")
    owners = _sections_with(registry, field)
    if len(owners) > 3:
        example = f"{owners[0]}.{field}"
        return UserError(
            f"unknown setting {field!r}; {len(owners)} sections have it: "
            f"name one, as in {example!r}"
        )
    if owners:
        hint = " or ".join(repr(f"{owner}.{field}") for owner in owners)
        return UserError(f"unknown setting {field!r}; did you mean {hint}?")
    return unknown("setting", field, known)


def _sections_with(registry: Registry, field: str) -> list[str]:
    """The sections that have a setting of that name; `train` stands for all methods."""
    if field in TRAIN:
        return ["train"]
    sections = registry.configured().items()
    return [name for name, cls in sections if field in settings_of(cls.Config)]


def convert(setting: Setting, given: Given, at_least: float | None = None) -> Any:
    """Read the value as the setting's type."""
    from pydantic import ValidationError

    value = given.value
    if value == "none" and setting.optional:
        return None
    if isinstance(value, bool) and setting.bare is not bool:
        raise UserError(f"{given.source}: {given.name} is {value}, but should be {setting.metavar}")
    if setting.is_list and isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        return adapter(setting.type, at_least).validate_python(value)
    except ValidationError as error:
        raise UserError(
            f"{given.source}: {given.name} is {_shown(given.value)}, but {_expected(error)}"
        ) from None


@cache
def adapter(hint: Any, at_least: float | None) -> TypeAdapter[Any]:
    """Make the validator of a type: finite numbers only, not below `at_least`."""
    from pydantic import ConfigDict, Field, TypeAdapter

    if at_least is not None:
        if hint == tuple[int, ...]:
            hint = tuple[Annotated[int, Field(ge=at_least)], ...]
        else:
            hint = Annotated[hint, Field(ge=at_least)]
    return TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))


def _shown(value: Any) -> str:
    """Show a value in one short line, however long it is."""
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."


def _expected(error: Any) -> str:
    """Say what pydantic expected: "should be a valid number"."""
    message: str = error.errors(include_url=False)[0]["msg"]
    return message.partition(", unable to")[0].removeprefix("Input ").replace("valid tuple", "list")
