"""Every built-in method keeps the rules of the conformance kit, and every broken one is caught."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from plugin_bench import SETTINGS

from suite.registry import Registry
from suite.testing import ConformanceError, check_method, report, rules
from tests.testing.broken_methods import SAID, Sound, UsesGlobalRandomNumbers

METHODS = Registry.load().methods()


@pytest.mark.parametrize("cls", METHODS, ids=lambda cls: cls.name)
def test_a_built_in_method_conforms(cls: Any) -> None:
    check_method(cls, **SETTINGS.get(cls.name, {}))


@pytest.mark.parametrize("cls", SAID, ids=lambda cls: cls.__name__)
def test_a_broken_method_is_caught(cls: Any) -> None:
    rule, said = SAID[cls]
    found = {each.rule.name: str(each) for each in report("method", cls).broken}
    assert rule in found, found
    assert said in found[rule]
    assert f"read: docs/conformance.md#{rule.replace(' ', '-')}" in found[rule]


def test_what_the_mistakes_are_made_in_conforms() -> None:
    check_method(Sound)
    check_method(Sound, beta=0.5)


def test_all_that_is_broken_is_told_at_once() -> None:
    with pytest.raises(ConformanceError, match="method sound breaks 2 rules") as caught:
        check_method(UsesGlobalRandomNumbers)
    assert {"surroundings", "seed"} <= {
        line.split(":")[0] for line in str(caught.value).splitlines()
    }


def test_a_setting_that_is_not_there_is_named() -> None:
    with pytest.raises(ConformanceError, match="no setting 'betta'; it has beta"):
        check_method(Sound, betta=1)


def test_the_kit_leaves_the_process_as_it_was() -> None:
    def state() -> tuple[Any, ...]:
        return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()

    before = state()
    report("method", UsesGlobalRandomNumbers)
    assert state() == before
    assert torch.get_default_dtype() == torch.float32


def test_every_rule_has_a_promise_and_a_heading_in_the_docs() -> None:
    from tests.testing.pages import headings

    found = rules()
    for each in found["method"]:
        assert each.promise.endswith(".")
    names = [rule.name for kind in found.values() for rule in kind]
    assert sorted(headings("conformance.md")) == sorted(set(names))
