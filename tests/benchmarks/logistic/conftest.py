"""Methods from the registry, and a small problem of logistic regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from suite_benchmarks.logistic.policy import Labelled, labelled
from torch import Tensor

from suite.api.method import Method
from suite.registry import Registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="session")
def make(registry: Registry) -> Callable[..., Method[Any]]:
    """Make a method from its name and settings."""

    def make(name: str, **settings: Any) -> Method[Any]:
        method = registry.method(name)
        return method(method.Config(**settings))

    return make


@pytest.fixture
def small() -> tuple[Labelled, Tensor]:
    """Seven labelled inputs in five dimensions, and starting weights."""
    random = torch.Generator().manual_seed(3)
    inputs = torch.randn(7, 5, generator=random, dtype=torch.float64)
    start = torch.randn(5, generator=random, dtype=torch.float64)
    return labelled(inputs, torch.tensor([0, 1, 1, 0, 1, 0, 0]), start), start
