"""Why an entry of the store is what it is, and how it differs from another.

train  npo                      what it was made from, in words
  method       npo
  train.lr     1e-05
  from start   fine-tune target, epoch-05   (train 5c1f0a2b9d3e)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from suite.core.errors import UserError
from suite.store.manifest import Manifest, read_manifest

MEANING = {
    "base": "a model that others start from",
    "train": "a training, with its log and the weights after its epochs",
    "reference": "what a starting model says of training rows",
    "roles": "training rows made of a starting model's answers",
    "respond": "a model's answers",
    "kl": "how far sampled answers are from the starting model",
    "judge": "verdicts on answers",
    "score": "scores of a model's answers",
    "measure": "what a benchmark measured of a finished model",
    "experiment": "an experiment without a language model",
    "compare": "a comparison of methods",
}
"""Kind -> what such a stage holds."""
SHORT = 12
"""Characters that are shown of a digest."""


def explain(root: Path, manifest: Manifest) -> Iterator[str]:
    """Say what a stage was made from, a line for each thing."""
    meaning = MEANING.get(manifest.kind, "made by a plugin")
    yield f"{manifest.kind} {manifest.key}"
    yield f"  {manifest.label or manifest.kind}: {meaning}"
    yield f"  made {manifest.created} in {manifest.timings['wall_seconds']} s"
    if manifest.dropped:
        yield f"  dropped to free space: {', '.join(manifest.dropped)}"
    for name, value in flat(manifest.spec):
        yield f"  {name} = {shown(value)}"
    for name in manifest.inputs:
        yield f"  reads {name}: {_input(root, manifest, name)}"
    yield f"  code: {len(manifest.code)} modules"


def differences(root: Path, one: Manifest, other: Manifest) -> Iterator[str]:
    """Say in what two stages of a kind differ, and follow the inputs that differ to the cause.

    UserError: they are of two kinds.
    """
    if one.kind != other.kind:
        raise UserError(
            f"{one.key[:SHORT]} is a {one.kind} and {other.key[:SHORT]} a {other.kind}: only "
            "entries of one kind can be compared"
        )
    seen: set[tuple[str, str]] = set()
    yield from _differences(root, one, other, "", seen)


def _differences(
    root: Path, one: Manifest, other: Manifest, where: str, seen: set[tuple[str, str]]
) -> Iterator[str]:
    if one.key == other.key or (one.key, other.key) in seen:
        return
    seen.add((one.key, other.key))
    yield from _settings(dict(flat(one.spec)), dict(flat(other.spec)), where)
    for module in sorted(one.code.keys() | other.code.keys()):
        before, after = one.code.get(module), other.code.get(module)
        if before != after:
            change = "is only in one" if None in (before, after) else "changed"
            yield f"{where}code: {module} {change}"
    for name in sorted(one.inputs.keys() | other.inputs.keys()):
        keys = one.inputs.get(name), other.inputs.get(name)
        if keys[0] != keys[1]:
            yield from _input_differences(root, one, other, f"{where}{name}", name, seen)


def _settings(before: Mapping[str, Any], after: Mapping[str, Any], where: str) -> Iterator[str]:
    for name in [*before, *(name for name in after if name not in before)]:
        values = [shown(side[name]) if name in side else "(none)" for side in (before, after)]
        if before.get(name) != after.get(name) or values[0] != values[1]:
            yield f"{where}{name}: {values[0]} -> {values[1]}"


def _input_differences(
    root: Path, one: Manifest, other: Manifest, where: str, name: str, seen: set[tuple[str, str]]
) -> Iterator[str]:
    texts = [_input(root, side, name) if name in side.inputs else "(none)" for side in (one, other)]
    yield f"{where}: {texts[0]} -> {texts[1]}"
    found = [_stored(root, side.inputs.get(name)) for side in (one, other)]
    if found[0] is not None and found[1] is not None and found[0].kind == found[1].kind:
        yield from _differences(root, found[0], found[1], f"{where} > ", seen)


def _input(root: Path, manifest: Manifest, name: str) -> str:
    """An input in words: its label, which folder of it is read, its key."""
    key, part = manifest.inputs[name], manifest.reads.get(name)
    found = _stored(root, key)
    label = "no longer stored" if found is None else found.label or found.kind
    return f"{label}{f', {part}' if part else ''} ({key[:SHORT]})"


def _stored(root: Path, key: str | None) -> Manifest | None:
    for folder in (root / "stages").glob(f"*/{key}") if key else ():
        return read_manifest(folder)
    return None


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of nested settings."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    else:
        yield name, value


def shown(value: Any) -> str:
    """A value for people: long digests are cut."""
    text = str(value)
    is_digest = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return f"{text[:SHORT]}..." if is_digest else text
