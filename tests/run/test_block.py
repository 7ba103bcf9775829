"""Blocking a built-in plugin takes away its name, and nothing else."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest

from suite.config import resolve
from suite.core.errors import UserError
from suite.plan.build import build_plan
from suite.plan.graph import Plan
from suite.registry import Registry
from suite.run.kinds import open_context

BUILT_IN = sorted(
    point.name for point in distribution("suite-compare").entry_points if point.group == "suite"
)
NEEDED = {
    "npo": {"hf", "tofu"},
    "rloo": {"hf", "preferences"},
}
"""Method -> what its run asks for by name, beside itself."""


def planned(registry: Registry, method: str, bench: str) -> Plan:
    flags = {"methods": method, "bench": bench}
    return build_plan(open_context(resolve(registry, None, flags, [], {}), registry))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_blocked_plugin_is_missed_by_nobody_else(name: str) -> None:
    registry = Registry.load([name])
    for method, bench in (("npo", "tofu"), ("rloo", "preferences")):
        if name in NEEDED[method] | {method}:
            with pytest.raises(UserError, match=f"{name!r} is not available"):
                planned(registry, method, bench)
        else:
            assert planned(registry, method, bench).stages()


def test_start_models_and_reward_models_have_the_same_keys_without_their_plugins() -> None:
    whole, without = Registry.load(), Registry.load(["sft", "reward_model"])
    for method, bench in (("npo", "tofu"), ("rloo", "preferences")):
        keys = [stage.key for stage in planned(whole, method, bench).stages()]
        assert keys == [stage.key for stage in planned(without, method, bench).stages()]
