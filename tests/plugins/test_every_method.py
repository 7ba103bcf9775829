"""What holds for every registered method that trains; a new plugin is covered without a line being
added."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from plugin_bench import make, registry, trained

LN2 = math.log(2)
START = {
    "alt_po": ("forget_loss", 20 * LN2),
    "aot": ("loss", LN2),
    "apo_down": ("loss", 1.0),
    "apo_zero": ("loss", 1.0),
    "bco": ("loss", 2 * LN2),
    "cdpo": ("loss", LN2),
    "discopop": ("loss", (LN2 + 1) / 2),
    "dpo": ("loss", LN2),
    "dpop": ("loss", LN2),
    "exo": ("loss", (math.log(0.5 / 0.999) + math.log(0.5 / 0.001)) / 2),
    "idk_dpo": ("forget_loss", 20 * LN2),
    "ipo": ("loss", 25.0),
    "kl_min": ("retain_kl", 0.0),
    "kto": ("loss", 0.5),
    "nca": ("loss", 2 * LN2),
    "npo": ("loss", 20 * LN2),
    "npo_kl": ("forget_loss", 20 * LN2),
    "npo_rt": ("forget_loss", 20 * LN2),
    "psipo": ("loss", 25.0),
    "rmu": ("retain_loss", 0.0),
    "robust_dpo": ("loss", LN2),
    "rso_hinge": ("loss", 1.0),
    "sppo_hard": ("loss", 0.5e6),
}
"""What the loss, or a part of it that is logged, must be where the policy is the reference."""


@pytest.mark.parametrize("name", trained())
def test_one_step_changes_weights_by_a_finite_gradient(bench: Any, name: str) -> None:
    made = bench(name)
    before = made.weights
    output = made.step()
    assert math.isfinite(output.loss)
    assert 0 < output.grad_norm < math.inf
    assert all(math.isfinite(value) for value in output.metrics.values())
    assert any(not torch.equal(before[n], after) for n, after in made.weights.items())


@pytest.mark.parametrize("name", sorted(START))
def test_value_where_policy_is_reference(bench: Any, name: str) -> None:
    part, value = START[name]
    output = bench(name).loss()
    found = output.loss if part == "loss" else output.metrics[part]
    assert found.item() == pytest.approx(value, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", [n for n in trained() if not registry().method(n).batch_coupled])
def test_micro_batches_do_not_change_the_gradient(bench: Any, name: str) -> None:
    made = bench(name)
    made.step()  # away from the start, where some gradients vanish
    whole = made.gradients()
    for limit in (1, 4):
        parts = made.gradients(limit)
        assert parts.keys() == whole.keys()
        for key, expected in whole.items():
            scale = expected.abs().max().item()
            torch.testing.assert_close(parts[key], expected, rtol=1e-3, atol=1e-4 * scale + 1e-7)


@pytest.mark.parametrize("name", trained())
def test_a_few_steps_lower_the_loss(bench: Any, name: str) -> None:
    made = bench(name, lr=3e-3)
    state = made.method.state_dict()
    before = made.loss().loss.item()
    for _ in range(8):
        made.step()
    made.method.load_state_dict(
        state
    )  # the same objective again, whatever dual variables have become
    assert made.loss().loss.item() < before


@pytest.mark.parametrize("name", trained())
def test_state_survives_json(bench: Any, name: str) -> None:
    """A second instance that loads the state computes the same loss."""
    made = bench(name)
    made.step()
    state = json.loads(json.dumps(made.method.state_dict()))
    again = make(name)
    again.begin(bench(name).state, made.roles)
    again.load_state_dict(state)
    assert again.state_dict() == made.method.state_dict()


@pytest.mark.parametrize("name", trained())
def test_importing_and_configuring_say_what_the_method_is(name: str) -> None:
    cls = registry().method(name)
    assert cls.__doc__ is not None
    assert len(cls.__doc__.strip().splitlines()) == 1
    assert cls.Config.__doc__ is not None
    assert not cls.Config.__doc__.startswith(f"{cls.Config.__name__}(")
