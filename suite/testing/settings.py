"""Rules for settings and self-description: the same for every kind of plugin."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

from suite.config.check import adapter
from suite.config.fields import settings_of
from suite.core.errors import UserError
from suite.store import jsonable
from suite.testing.rules import Broken

DOCUMENTED = 'a line of text below the field: """Inverse temperature, 1 / nats (paper: 0.1)."""'


def check_description(cls: type[Any]) -> None:
    """Broken: the class or its settings do not say what they are."""
    first = (cls.__dict__.get("__doc__") or "").strip().partition("\n\n")[0]
    if len(first.splitlines()) != 1:
        raise Broken(
            f"the docstring of {cls.__name__} begins with {len(first.splitlines())} lines",
            "one line that says what it is: `suite list` shows it",
        )
    for name, setting in settings_of(cls.Config).items():
        if not setting.doc:
            raise Broken(f"the setting {name!r} is not documented", DOCUMENTED)


def check_round_trip(cls: type[Any], settings: dict[str, Any]) -> None:
    """Broken: settings do not survive being written into a key or a file, or can be changed."""
    config = _made(cls, settings)
    for each in fields(config):
        try:
            setattr(config, each.name, getattr(config, each.name))
        except (FrozenInstanceError, AttributeError):
            continue
        raise Broken(f"{cls.Config.__name__} can be changed", "@dataclass(frozen=True)")
    written = jsonable(asdict(config))
    assert isinstance(written, dict)
    for name, setting in settings_of(cls.Config).items():
        value = getattr(config, name)
        read = adapter(setting.type, None).validate_python(written[name])
        if read != value:
            raise Broken(
                f"the setting {name!r} is {value!r}, but comes back from a file as {read!r}",
                "settings of numbers, texts, truth values and tuples of them",
            )


def _made(cls: type[Any], settings: dict[str, Any]) -> Any:
    known = settings_of(cls.Config)
    for name in settings:
        if name not in known:
            raise UserError(f"{cls.name} has no setting {name!r}; it has {', '.join(known)}")
    try:
        return cls.Config(**settings)
    except ValueError as error:
        raise Broken(f"its settings are refused: {error}", "defaults that work") from None
