"""A loss of pairs that writes into what it reads, or returns no number a pair, is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from suite_benchmarks.bandit.datasets import DATASETS
from suite_benchmarks.bandit.training import Loss, sampled, train

from suite import PairedMethod, PairLogps
from suite.core.errors import PluginError

Write = Callable[[PairLogps], Any]


@dataclass(frozen=True)
class Settings:
    beta: float = 0.1


def method(write: Write, coupled: bool = False) -> PairedMethod[Any]:
    """A method whose loss is what `write` returns, or the margin if that is None."""

    class Mine(PairedMethod[Settings]):
        name = "mine"
        Config = Settings
        batch_coupled = coupled

        def pair_loss(self, pairs: PairLogps) -> Any:
            given = write(pairs)
            return pairs.rejected_logps - pairs.chosen_logps if given is None else given

    return Mine(Settings())


def reference(pairs: PairLogps) -> None:
    assert pairs.ref_chosen_logps is not None
    pairs.ref_chosen_logps.add_(1)


def preferences(pairs: PairLogps) -> None:
    assert pairs.population is not None
    pairs.population.preferences[0, 0, 1] = 0


@pytest.mark.parametrize("coupled", [False, True])
@pytest.mark.parametrize(
    ("write", "name"),
    [(reference, "ref_chosen_logps"), (preferences, "population.preferences")],
)
def test_a_bandit_sees_what_a_loss_writes(write: Write, name: str, coupled: bool) -> None:
    drawn = sampled(DATASETS, 1, runs=2, seed=0)
    with pytest.raises(PluginError, match=f"'mine': pair_loss changed pairs.{name} in place"):
        list(train([method(write, coupled)], DATASETS, drawn, runs=2))


@pytest.mark.parametrize("coupled", [False, True])
def test_a_loss_that_only_reads_passes(coupled: bool) -> None:
    loss = Loss([method(lambda pairs: None, coupled)], DATASETS)
    (places,) = sampled(DATASETS, 1, runs=2, seed=0)
    logps = torch.zeros(1, len(DATASETS), 2, 3, dtype=torch.float64)
    assert loss(logps, places).shape == (1, len(DATASETS), 2, places.shape[-1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0.5, "pair_loss must return a Tensor, one loss a pair, not 0.5"),
        (torch.ones(()), r"pair_loss has shape \(\), not \(3,\), one loss a pair"),
    ],
)
def test_what_is_no_loss_of_each_pair_is_named(given: Any, said: str) -> None:
    logps = torch.zeros(3)
    with pytest.raises(PluginError, match=f"^method 'mine': {said}"):
        method(lambda pairs: given).checked_pair_loss(PairLogps(logps, logps, logps, logps))
