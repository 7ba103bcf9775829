"""What stands behind a name in --methods, --attack and --bench: `npo:beta=0.5:lr=1e-4`,
`quantize:type=nf4`, `lm_eval:arc_easy`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suite.api.benchmark import Benchmark
from suite.config.check import checked, settings_of_class
from suite.config.layers import Given
from suite.core.errors import UserError
from suite.registry import Registry


def split_spec(registry: Registry, spec: str) -> tuple[str, dict[str, Any]]:
    """Split `npo:beta=0.5:lr=1e-4` into the method's name and its checked settings."""
    name = spec.partition(":")[0]
    return name, _variant(registry, "method", spec, registry.method(name))


def split_attack(registry: Registry, spec: str) -> tuple[str, dict[str, Any]]:
    """Split `quantize:type=nf4` into the attack's name and its checked settings."""
    name = spec.partition(":")[0]
    return name, _variant(registry, "attack", spec, registry.attack(name))


def _variant(registry: Registry, kind: str, spec: str, cls: Any) -> dict[str, Any]:
    """The checked settings behind the name."""
    name, *items = spec.split(":")
    known = settings_of_class(cls)
    variant: dict[str, Any] = {}
    for item in items:
        field, equals, value = item.partition("=")
        if not equals or field in variant:
            raise UserError(
                f"{kind} {spec!r}: expected name:setting=value, each setting once, at {item!r}"
            )
        given = Given(name, field, value, f"{kind} {spec!r}", text=True)
        variant[field] = checked(registry, given, known)
    return variant


def split_bench(registry: Registry, spec: str) -> tuple[type[Benchmark[Any]], dict[str, Any]]:
    """Split `lm_eval:arc_easy` into the benchmark and the setting that stands behind the colon."""
    name, colon, value = spec.partition(":")
    benchmark = registry.benchmark(name)
    if not colon:
        return benchmark, {}
    if benchmark.argument is None:
        raise UserError(
            f"benchmark {name!r} takes nothing behind a colon, but {spec!r} was asked for"
        )
    given = Given(name, benchmark.argument, value, f"benchmark {spec!r}", text=True)
    return benchmark, {benchmark.argument: checked(registry, given)}


def spelled_out(registry: Registry, bench: Sequence[str]) -> tuple[str, ...]:
    """`lm_eval:a,b` asks for `lm_eval:a` and `lm_eval:b`, unless b is a benchmark."""
    names = {cls.name for cls in registry.benchmarks()}
    spelled: list[str] = []
    for spec in bench:
        before, colon, _ = spelled[-1].partition(":") if spelled else ("", "", "")
        spelled.append(
            f"{before}:{spec}" if colon and ":" not in spec and spec not in names else spec
        )
    return tuple(spelled)
