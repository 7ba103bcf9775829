"""Reading a TOML or YAML file, with limits: a few lines of YAML may stand for billions of values.

    a: &a [x, x]
    b: &b [*a, *a]      each line doubles what the one before stands for

A file beyond `MOST_BYTES`, `MOST_VALUES` or `DEEPEST` is refused, before its values are made.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.core.errors import UserError

MOST_BYTES = 64 * 1024
"""Longest configuration file. The longest that a run itself writes has about 20 kB."""
MOST_VALUES = 2_000
"""Settings, list items and names in a file, aliases written out."""
DEEPEST = 10
"""Lists and mappings inside each other. A setting is at depth 2, an item of its list at depth 3."""
LARGEST = 2**63
"""Whole numbers stay below. YAML reads 59:59:59 to the base 60, and so a line as a giant."""


class _Refused(ValueError):
    """The file is well formed, but beyond a limit."""


def parse(path: Path) -> Any:
    """Read a configuration file. UserError: one line that names the file, and the line if known."""
    if path.suffix not in (".toml", ".yaml", ".yml"):
        raise UserError(f"{path}: a configuration file ends in .toml, .yaml or .yml")
    text = _text(path)
    try:
        content = _toml(text) if path.suffix == ".toml" else _yaml(text)
        _check(content)
        return content
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix == ".toml" else "YAML"
        if isinstance(error, RecursionError):
            error = _Refused(_TOO_DEEP)
        what = "" if isinstance(error, _Refused) else f"not valid {kind}: "
        raise UserError(f"{path}: {what}{' '.join(str(error).split())}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: cannot be read: not UTF-8") from None
    if len(content) > MOST_BYTES:
        raise UserError(f"{path}: longer than {MOST_BYTES // 1024} kB; it is no configuration file")
    return text


_TOO_DEEP = f"lists or sections are nested more than {DEEPEST} deep"
_TOO_MANY = f"it holds more than {MOST_VALUES:,} values"
_TOO_LARGE = "a number in it has more than 18 digits"


def _toml(text: str) -> Any:
    # tomllib needs memory that grows with the square of a dotted name's length.
    if any(part.count(".") > DEEPEST * 10 for part in re.split(r"[=,{}\n]", text)):
        raise _Refused(_TOO_DEEP)
    return tomllib.loads(text)


def _check(content: Any) -> None:
    """Refuse what is beyond the limits; of YAML, aliases were counted before."""
    for count, (value, depth) in enumerate(_values(content)):
        if depth > DEEPEST:
            raise _Refused(_TOO_DEEP)
        if count > MOST_VALUES:
            raise _Refused(_TOO_MANY)
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise _Refused(_TOO_LARGE)


def _values(content: Any) -> Iterator[tuple[Any, int]]:
    """Yield every value with its depth. Without recursion: dotted names nest thousands deep."""
    waiting = [(content, 1)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict | list):
            waiting.extend((each, depth + 1) for each in inner)


def _yaml(text: str) -> Any:
    import yaml

    try:
        growth = _Growth()
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            growth.meet(event)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for key in _repeated_keys(root):
            raise yaml.MarkedYAMLError(
                problem=f"{key.value!r} is given twice", problem_mark=key.start_mark
            )
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{getattr(error, 'problem', error)}{where}") from None


@dataclass
class _Open:
    """A list or mapping whose end has not been read yet."""

    anchor: str | None
    values: int = 1


@dataclass
class _Growth:
    """Counts what a YAML file stands for once its aliases are written out, without doing that."""

    open: list[_Open] = field(default_factory=lambda: [_Open(None)])
    """From the document down to the innermost list or mapping."""
    anchored: dict[str, int] = field(default_factory=dict)
    """Anchor -> values that an alias of it stands for."""

    def meet(self, event: Any) -> None:
        """Take the parser's next event in. Raises _Refused."""
        import yaml

        if isinstance(event, yaml.CollectionStartEvent):
            self.open.append(_Open(event.anchor))
            if len(self.open) > DEEPEST + 1:
                raise _Refused(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self.open.pop()
            self._add(closed.anchor, closed.values)
        elif isinstance(event, yaml.AliasEvent):
            anchor = str(event.anchor)
            if any(each.anchor == anchor for each in self.open):
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise _Refused(f"the alias *{anchor} stands inside itself (at line {line})")
            self._add(None, self.anchored.get(anchor, 1))
        elif isinstance(event, yaml.ScalarEvent):
            self._add(event.anchor, 1)

    def _add(self, anchor: str | None, values: int) -> None:
        if anchor is not None:
            self.anchored[anchor] = values
        self.open[-1].values += values
        if self.open[-1].values > MOST_VALUES:
            raise _Refused(_TOO_MANY)


def _repeated_keys(node: Any) -> Iterator[Any]:
    """Yield the keys that stand twice in one mapping: YAML itself keeps the last, silently."""
    if getattr(node, "id", "") != "mapping":
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        if name in seen:
            yield key
        seen.add(name)
        yield from _repeated_keys(value)
