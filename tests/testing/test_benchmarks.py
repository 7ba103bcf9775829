"""Built-in benchmarks, engines and judges keep the rules of the kit, and broken ones are caught."""

from __future__ import annotations

from typing import Any

import pytest

from suite import UserError
from suite.registry import Registry
from suite.testing import check_benchmark, check_engine, check_judge, report
from tests.testing.broken_others import SAID, SOUND

REGISTRY = Registry.load()
SETTINGS: dict[str, dict[str, Any]] = {
    "bandit": {"steps": 60, "runs": 2, "taus": (0.1, 1.0, 10.0)},
    "logistic": {"steps": 20, "fit_steps": 20, "repeats": 2},
}
"""Experiments are as long as is published; the rules need no such length."""


@pytest.mark.parametrize("cls", REGISTRY.benchmarks(), ids=lambda cls: cls.name)
def test_a_built_in_benchmark_conforms(cls: Any) -> None:
    check_benchmark(cls, **SETTINGS.get(cls.name, {}))


@pytest.mark.parametrize("cls", REGISTRY.engines(), ids=lambda cls: cls.name)
def test_a_built_in_engine_conforms(cls: Any) -> None:
    check_engine(cls)


@pytest.mark.parametrize("cls", REGISTRY.judges(), ids=lambda cls: cls.name)
def test_a_built_in_judge_conforms(cls: Any) -> None:
    check_judge(cls)


@pytest.mark.parametrize(("kind", "cls"), SAID, ids=lambda each: getattr(each, "__name__", each))
def test_a_broken_one_is_caught(kind: str, cls: Any) -> None:
    rule, said = SAID[kind, cls]
    found = {each.rule.name: str(each) for each in report(kind, cls).broken}
    assert rule in found, found
    assert said in found[rule]


@pytest.mark.parametrize("kind", SOUND)
def test_what_the_mistakes_are_made_in_conforms(kind: str) -> None:
    report(kind, SOUND[kind]).raise_if_broken()


def test_the_default_engine_and_judge_are_checked_whole() -> None:
    """Nothing of what they are is passed over as not applicable."""
    for kind, cls in (("engine", REGISTRY.engine("hf")), ("judge", REGISTRY.judge("reward"))):
        assert {each.state for each in report(kind, cls).outcomes} == {"ok"}


def test_a_kind_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="unknown kind of plugin 'methods'; did you mean 'method'"):
        report("methods", SOUND["judge"])
