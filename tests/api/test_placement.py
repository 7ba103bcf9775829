"""A model whole on one device: clipping by hand, and everything else as it was given."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from suite.api.placement import Placement


@pytest.fixture
def weight() -> nn.Parameter:
    weight = nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([3.0, 4.0])
    return weight


@pytest.mark.parametrize(
    ("limit", "left"), [(1.0, [0.6, 0.8]), (10.0, [3.0, 4.0]), (0.0, [3.0, 4.0])]
)
def test_gradients_are_clipped_to_their_norm(
    weight: nn.Parameter, limit: float, left: list[float]
) -> None:
    assert Placement().clip([weight], limit) == 5.0
    torch.testing.assert_close(weight.grad, torch.tensor(left), rtol=1e-5, atol=0)


def test_one_process_computes_and_holds_everything(weight: nn.Parameter) -> None:
    placement = Placement("cpu")
    assert placement.is_main
    assert placement.share(range(3)) == [0, 1, 2]
    assert placement.total({"loss": 2.0}) == {"loss": 2.0}
    assert placement.told("here") == "here"
    assert placement.held(weight) is weight
    assert placement.gather({"a": weight})["a"] is weight


def test_a_copy_does_not_follow_its_original() -> None:
    layer = nn.Linear(2, 2)
    copied = Placement().copied(layer)
    with torch.no_grad():
        layer.weight.add_(1)
    assert not torch.equal(layer.weight, copied.weight)
