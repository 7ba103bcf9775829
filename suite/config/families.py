"""`--methods family:unlearning`: every method of a family that fits a benchmark of the run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from suite.api.benchmark import Benchmark, TextBenchmark
from suite.api.method import Method
from suite.core.errors import SuiteWarning, UserError, unknown
from suite.registry import Registry

PREFIX = "family:"


class FamilyWarning(SuiteWarning):
    """A method of a family is left out, for a reason that the user can mend."""


def with_families(
    registry: Registry,
    methods: Sequence[str],
    benchmarks: Sequence[type[Benchmark[Any]]],
    check: Callable[[str], None],
) -> tuple[str, ...]:
    """Put a family's methods in its place, but for those that are named already.

    Settings may follow, for all of them: `family:unlearning:epochs=5`. `check` raises UserError
    for a method whose settings cannot work, say because one must be given: it is left out, and
    that is said.
    """
    found: list[str] = []
    for spec in methods:
        if not spec.startswith(PREFIX):
            found.append(spec)
            continue
        for member in _specs(registry, spec, benchmarks):
            if member in methods or member in found:
                continue
            try:
                check(member)
            except UserError as error:
                text = f"{spec} leaves out {member}: {error}"
                warnings.warn(text, FamilyWarning, stacklevel=2)
                continue
            found.append(member)
    return tuple(found)


def _specs(registry: Registry, spec: str, benchmarks: Sequence[type[Benchmark[Any]]]) -> list[str]:
    """Name the members of `family:NAME[:SETTINGS]` as in --methods. UserError: there is none."""
    family, colon, settings = spec.removeprefix(PREFIX).partition(":")
    members = [cls for cls in registry.methods() if cls.family == family]
    if not members:
        raise unknown("family of methods", family, {cls.family for cls in registry.methods()})
    fitting: list[type[Method[Any]]] = []
    for cls in members:
        if any(fits(cls, benchmark) for benchmark in benchmarks):
            fitting.append(cls)
    if not fitting:
        names = ", ".join(cls.name for cls in benchmarks)
        raise UserError(f"no method of the family {family!r} can run on {names}")
    return [f"{cls.name}{colon}{settings}" for cls in fitting]


def fits(method: type[Method[Any]], benchmark: type[Benchmark[Any]]) -> bool:
    """Whether a benchmark has the data and the reward that a method needs, by what both declare."""
    if benchmark.trains == "loss" and (method.needs_reward or not method.trains):
        return False
    if method.needs_reward == "ground_truth" and issubclass(benchmark, TextBenchmark):
        has_reward = benchmark.reward is not TextBenchmark.reward
        if not has_reward:
            return False
    needed = method.roles | ({"pairs"} if method.needs_reward == "model" else set())
    return needed <= benchmark.provides
