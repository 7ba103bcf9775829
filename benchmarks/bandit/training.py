"""Training of softmax policies over K arms: pi = softmax(theta).

theta is 0 at the start, where pi is the reference.

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
    arms = [len(dataset.arms) for dataset in datasets]
    counts = torch.tensor(arms, dtype=torch.float64)[:, None]  # (D, 1)
    return (torch.arange(max(arms)) < counts) / counts


def sampled(datasets: Datasets, steps: int, runs: int, seed: int) -> Iterator[Tensor]:
    """Draw the mini-batch of every step and run, with replacement.

    Yields places among a dataset's pairs, (D, R, B).
    """
    generators: list[torch.Generator] = []
    for dataset in datasets:
        # By name, so that a dataset's draws do not depend on which others are there.
        own_seed = zlib.crc32(f"{dataset.name} {seed}".encode())
        generators.append(torch.Generator().manual_seed(own_seed))
    for _ in range(steps):
        drawn: list[Tensor] = []
        for dataset, generator in zip(datasets, generators, strict=True):
            shape = (runs, BATCH_SIZE)
            drawn.append(torch.randint(len(dataset.pairs), shape, generator=generator))
        yield torch.stack(drawn)


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
        total = per_pair.sum() / batch.shape[-1]  # no parameter is shared: each trains alone
        total.backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield theta.detach()


def undefined(methods: Methods, dataset: Dataset) -> str:
    """Why a method has no loss on a dataset; "" if it has one.

    With psipo the logit of a preference that is always won is infinite.
    """
    places = list(islice(cycle(range(len(dataset.pairs))), BATCH_SIZE))
    batch = torch.tensor(places)[None, None]  # (1, 1, B)
    logps = start(methods, [dataset], 1).log_softmax(-1)
    try:
        Loss(methods, [dataset])(logps, batch)
    except ValueError as error:
        return str(error)
    return ""


@runtime_checkable
class HasOptimum(Protocol):
    """A method that knows the best policies where true preferences are known: psipo."""

    def optimum(self, population: Population, reference: Tensor) -> Tensor:
        """From the reference, (P, K), to the optima, (P, K)."""


def own_optimum(method: PairedMethod[Any], dataset: Dataset) -> list[float] | None:
    """K probabilities: where a method ends on a dataset by its own theory; None without one."""
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
        self.pairs = [torch.tensor(dataset.indices) for dataset in datasets]
        """Of each dataset, (its pairs, 2)."""
        self.reference = _uniform(datasets)
        d, k = self.reference.shape
        self.preferences = torch.full((d, k, k), 0.5, dtype=torch.float64)
        for dataset, table in zip(datasets, self.preferences, strict=True):
            arms = len(dataset.arms)
            table[:arms, :arms] = torch.from_numpy(dataset.preferences())

    def __call__(self, logps: Tensor, batch: Tensor) -> Tensor:
        """Loss of each pair.

        Shapes: log-probabilities (T, D, R, K), places among the pairs (D, R, B) -> (T, D, R, B).
        A method that couples the rows of a batch sees each run's batch by itself.
        """
        drawn = [pairs[places] for pairs, places in zip(self.pairs, batch, strict=True)]
        chosen_arms, rejected_arms = torch.stack(drawn).unbind(-1)  # (D, R, B) each
        chosen = logps.gather(-1, self._for_all_methods(chosen_arms))  # (T, D, R, B)
        rejected = logps.gather(-1, self._for_all_methods(rejected_arms))
        prompts = torch.arange(len(batch))[:, None, None].expand_as(batch)
        of_policies = [side.flatten(1, 2) for side in (chosen, rejected)]  # (T, D R, B)
        of_answers = [side.flatten(0, 1) for side in (prompts, chosen_arms, rejected_arms)]
        rows = [*of_policies, *of_answers]
        if any(method.batch_coupled for method in self.methods):
            per_pair = torch.func.vmap(self._of_pairs, in_dims=(1, 1, 0, 0, 0), out_dims=1)(*rows)
        else:
            per_pair = self._of_pairs(*(side.flatten(-2) for side in rows))
        return per_pair.view_as(chosen)

    def _for_all_methods(self, arms: Tensor) -> Tensor:
        """Shape: (D, R, B) -> (T, D, R, B)."""
        return arms.expand(len(self.methods), -1, -1, -1)

    def _of_pairs(self, chosen_logps: Tensor, rejected_logps: Tensor, *answers: Tensor) -> Tensor:
        """Of N pairs: log-probabilities (T, N), datasets and arms (N,) -> (T, N)."""
        prompt, chosen, _ = answers
        reference = self.reference[prompt, chosen].log()
        population = Population(self.preferences, self.reference, *answers)
        losses: list[Tensor] = []
        for method, own_chosen, own_rejected in zip(
            self.methods, chosen_logps, rejected_logps, strict=True
        ):
            # The reference is uniform: the same number for the chosen and the rejected arm.
            pairs = PairLogps(own_chosen, own_rejected, reference, reference, population=population)
            losses.append(method.checked_pair_loss(pairs))
        return torch.stack(losses)
