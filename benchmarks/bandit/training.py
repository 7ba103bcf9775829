"""Training softmax policies over K arms: pi = softmax(theta), theta = 0 at the start, where pi is
the reference.

T settings of a method on D datasets, R runs each, train side by side in one tensor theta, (T, D, R,
K). They share no parameter, and Adam works on each element by itself, so that each learns as it
would alone; 90,000 steps become 18,000. Logits of arms that a dataset lacks are -inf, and stay
there: their gradient is 0.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch

from suite import PairedMethod, PairLogps, Population

from .datasets import Dataset

if TYPE_CHECKING:
    from torch import Tensor

Methods = Sequence[PairedMethod[Any]]
Datasets = Sequence[Dataset]

LEARNING_RATE = 0.01
BATCH_SIZE = 9


def start(methods: Methods, datasets: Datasets, runs: int) -> Tensor:
    """Logits of the uniform policies, (T, D, R, K)."""
    logits = torch.where(_uniform(datasets) > 0, 0.0, -math.inf)  # (D, K)
    return logits[None, :, None].repeat(len(methods), 1, runs, 1).double()


def _uniform(datasets: Datasets) -> Tensor:
    """Probabilities of the arms under the reference, (D, K); 0 for an arm that a dataset lacks."""
    counts = torch.tensor([len(dataset.arms) for dataset in datasets], dtype=torch.float64)[:, None]
    return (torch.arange(int(counts.max())) < counts) / counts


def sampled(datasets: Datasets, steps: int, runs: int, seed: int) -> Iterator[Tensor]:
    """Draw the mini-batch of every step and run, with replacement: places among a dataset's pairs,
    (D, R, B)."""
    generators = [
        torch.Generator().manual_seed(zlib.crc32(f"{each.name} {seed}".encode()))
        for each in datasets
    ]
    for _ in range(steps):
        yield torch.stack(
            [
                torch.randint(len(dataset.pairs), (runs, BATCH_SIZE), generator=generator)
                for dataset, generator in zip(datasets, generators, strict=True)
            ]
        )


def train(
    methods: Methods, datasets: Datasets, batches: Iterable[Tensor], runs: int
) -> Iterator[Tensor]:
    """Yield theta, (T, D, R, K), after each step of Adam, changed in place by the next one.

    `batches` as `sampled` gives them; all settings see the same.
    """
    theta = start(methods, datasets, runs).requires_grad_()
    adam = torch.optim.Adam([theta], lr=LEARNING_RATE, fused=True)
    loss = Loss(methods, datasets)
    for batch in batches:
        adam.zero_grad()
        per_pair = loss(theta.log_softmax(-1), batch)  # (T, D, R, B)
        total = per_pair.sum() / batch.shape[-1]  # nothing is shared: the sum trains each alone
        total.backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield theta.detach()


def undefined(methods: Methods, dataset: Dataset) -> str:
    """Why a method has no loss on a dataset, or "" (psipo: the logit of a preference that is always
    won)."""
    batch = torch.tensor(list(islice(cycle(range(len(dataset.pairs))), BATCH_SIZE)))[
        None, None
    ]  # (1, 1, B)
    try:
        Loss(methods, [dataset])(start(methods, [dataset], 1).log_softmax(-1), batch)
    except ValueError as error:
        return str(error)
    return ""


@runtime_checkable
class HasOptimum(Protocol):
    """A method that knows the best policies where true preferences are known: psipo."""

    def optimum(self, population: Population, reference: Tensor) -> Tensor:
        """From the reference, (P, K), to the optima, (P, K)."""


def own_optimum(method: PairedMethod[Any], dataset: Dataset) -> list[float] | None:
    """Where theory says that a method ends on a dataset, K probabilities; None if it does not know."""
    if not isinstance(method, HasOptimum):
        return None
    loss, no_pairs = Loss([method], [dataset]), torch.empty(0, dtype=torch.long)
    population = Population(loss.preferences, loss.reference, no_pairs, no_pairs, no_pairs)
    optimum: list[float] = method.optimum(population, loss.reference)[0].tolist()
    return optimum


class Loss:
    """The loss of T settings on D datasets."""

    def __init__(self, methods: Methods, datasets: Datasets) -> None:
        self.methods = methods
        self.pairs = [
            torch.tensor(dataset.indices) for dataset in datasets
        ]  # (pairs of the dataset, 2) each
        self.reference = _uniform(datasets)
        self.preferences = torch.full(
            (*self.reference.shape, self.reference.shape[-1]), 0.5, dtype=torch.float64
        )
        for dataset, table in zip(datasets, self.preferences, strict=True):
            table[: len(dataset.arms), : len(dataset.arms)] = torch.from_numpy(
                dataset.preferences()
            )

    def __call__(self, logps: Tensor, batch: Tensor) -> Tensor:
        """Loss of each pair: log-probabilities (T, D, R, K), places among the pairs (D, R, B) ->
        (T, D, R, B).

        A method that couples the rows of a batch sees each run's by itself.
        """
        arms = torch.stack(
            [pairs[places] for pairs, places in zip(self.pairs, batch, strict=True)]
        ).unbind(-1)
        chosen, rejected = (
            logps.gather(-1, side.expand(len(self.methods), -1, -1, -1)) for side in arms
        )
        prompt = torch.arange(len(batch))[:, None, None].expand_as(batch)
        rows = (
            chosen.flatten(1, 2),
            rejected.flatten(1, 2),
            *(side.flatten(0, 1) for side in (prompt, *arms)),
        )
        if any(method.batch_coupled for method in self.methods):
            per_pair = torch.func.vmap(self._of_pairs, in_dims=(1, 1, 0, 0, 0), out_dims=1)(*rows)
        else:
            per_pair = self._of_pairs(*(side.flatten(-2) for side in rows))
        return per_pair.view_as(chosen)

    def _of_pairs(self, chosen_logps: Tensor, rejected_logps: Tensor, *answers: Tensor) -> Tensor:
        """Of N pairs: log-probabilities (T, N), datasets and arms (N,) -> (T, N)."""
        prompt, chosen, _ = answers
        reference = self.reference[prompt, chosen].log()
        population = Population(self.preferences, self.reference, *answers)
        both = zip(chosen_logps.unbind(), rejected_logps.unbind(), strict=True)
        pairs = (PairLogps(*logps, reference, reference, population=population) for logps in both)
        return torch.stack(
            [method.pair_loss(some) for method, some in zip(self.methods, pairs, strict=True)]
        )
