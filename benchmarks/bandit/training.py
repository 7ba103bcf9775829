"""Training softmax policies over K arms: pi = softmax(theta), theta = 0 at the start, where pi is the reference.

R runs and T settings of a method train side by side in one tensor theta, (T, R, K). They share no parameter, and
Adam works on each element by itself, so that each learns as it would alone.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import torch

from suite import PairedMethod, PairLogps
from suite.paired import Population

from .datasets import Dataset

if TYPE_CHECKING:
    from torch import Tensor

Methods = Sequence[PairedMethod[Any]]

LEARNING_RATE = 0.01
BATCH_SIZE = 9


def start(methods: Methods, dataset: Dataset, runs: int) -> Tensor:
    """Logits of the uniform policy, (T, R, K)."""
    return torch.zeros(len(methods), runs, len(dataset.arms), dtype=torch.float64)


def sampled(dataset: Dataset, steps: int, runs: int, seed: int) -> Iterator[Tensor]:
    """Draw the mini-batch of every step and run, with replacement: places among the pairs, (R, B)."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{dataset.name} {seed}".encode()))
    for _ in range(steps):
        yield torch.randint(len(dataset.pairs), (runs, BATCH_SIZE), generator=generator)


def train(methods: Methods, dataset: Dataset, batches: Iterable[Tensor], runs: int) -> Iterator[Tensor]:
    """Yield theta, (T, R, K), after each step of Adam, changed in place by the next one.

    `batches` as `sampled` gives them; all settings see the same.
    """
    theta = start(methods, dataset, runs).requires_grad_()
    adam = torch.optim.Adam([theta], lr=LEARNING_RATE, fused=True)
    loss = Loss(methods, dataset)
    for batch in batches:
        adam.zero_grad()
        per_pair = loss(theta.log_softmax(-1), batch)  # (T, R, B)
        total = per_pair.sum() / batch.shape[-1]  # runs and settings share nothing: their sum trains each alone
        total.backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield theta.detach()


def undefined(methods: Methods, dataset: Dataset) -> str:
    """Why a method has no loss on a dataset, or "" (psipo: the logit of a preference that is always won)."""
    batch = torch.tensor(list(islice(cycle(range(len(dataset.pairs))), BATCH_SIZE)))[None]  # (1, B)
    try:
        Loss(methods, dataset)(start(methods, dataset, 1).log_softmax(-1), batch)
    except ValueError as error:
        return str(error)
    return ""


class Loss:
    """The loss of T settings on a dataset."""

    def __init__(self, methods: Methods, dataset: Dataset) -> None:
        count = len(dataset.arms)
        self.methods = methods
        self.pairs = torch.tensor(dataset.indices)  # (P, 2)
        self.preferences = torch.from_numpy(dataset.preferences())  # (K, K)
        self.opponents = torch.full((count,), 1 / count, dtype=torch.float64)
        self.reference_logp = -math.log(count)

    def __call__(self, logps: Tensor, batch: Tensor) -> Tensor:
        """Loss of each pair: log-probabilities (T, R, K), places among the pairs (R, B) -> (T, R, B).

        A method that couples the rows of a batch sees each run's by itself.
        """
        arms = self.pairs[batch].unbind(-1)
        chosen, rejected = (logps.gather(-1, side.expand(len(self.methods), -1, -1)) for side in arms)
        if any(method.batch_coupled for method in self.methods):
            return torch.func.vmap(self._of_pairs, in_dims=(1, 1, 0, 0), out_dims=1)(chosen, rejected, *arms)
        flat = (chosen.flatten(1), rejected.flatten(1), *(side.flatten() for side in arms))
        return self._of_pairs(*flat).view_as(chosen)

    def _of_pairs(self, chosen_logps: Tensor, rejected_logps: Tensor, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Of N pairs: log-probabilities (T, N), arms (N,) -> (T, N)."""
        reference = torch.full_like(chosen_logps[0], self.reference_logp)
        population = Population(self.preferences, self.opponents, chosen, rejected)
        both = zip(chosen_logps.unbind(), rejected_logps.unbind(), strict=True)
        pairs = (PairLogps(*logps, reference, reference, population=population) for logps in both)
        return torch.stack([method.pair_loss(some) for method, some in zip(self.methods, pairs, strict=True)])
