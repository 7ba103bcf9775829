"""Which texts a training step sees, and how the step is cut into micro-batches.

Everything is a function of (seed, epoch, step), so a resumed run draws what the uninterrupted one
would have drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from suite.api.batch import Batch
from suite.api.data import Encoded, EncodedPair, Item
from suite.core.errors import UserError
from suite.model.batch import PairBatch, TextBatch, collate
from suite.store.seeds import hash_seed

if TYPE_CHECKING:
    import torch

    from suite.model.reference import References

PRIMARY = ("forget", "pairs", "demonstrations", "prompts")
"""An epoch is one pass over the first of these roles that a method uses."""
ALIGNED = {"alternate": "forget", "mismatched": "pairs"}
"""Roles whose row i belongs to row i of another role; both are drawn together."""


class Sampler:
    """Draws the rows of each step: the primary role once per epoch, other roles (retain) afresh for
    every step.

    `whole_prompts`: pairs of one prompt are never parted; steps then hold about `batch_size` pairs,
    and epochs differ in the order of the steps only.
    """

    def __init__(
        self,
        roles: Mapping[str, Sequence[Item]],
        batch_size: int,
        seed: int,
        *,
        whole_prompts: bool = False,
    ) -> None:
        self.roles = roles
        self.seed = seed
        self.primary = next(role for role in PRIMARY if role in roles)
        self.batch_size = min(batch_size, len(roles[self.primary]))
        for role, rows in roles.items():
            if not rows:
                raise UserError(f"the role {role!r} has no rows")
            if role in ALIGNED and len(rows) != len(roles[ALIGNED[role]]):
                raise UserError(f"{role!r} must have one row for each of {ALIGNED[role]!r}")
        self.grouped = self._groups() if whole_prompts else []

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of one epoch; the last may be smaller."""
        return len(self.grouped) or -(-len(self.roles[self.primary]) // self.batch_size)

    def step(self, number: int) -> dict[str, list[Item]]:
        """Return the rows of optimiser step `number` (from 0), by role."""
        epoch, within = divmod(number, self.steps_per_epoch)
        drawn = self._drawn(epoch, within)
        batch: dict[str, list[Item]] = {}
        for role, rows in self.roles.items():
            follows = role == self.primary or ALIGNED.get(role) == self.primary
            chosen = drawn if follows else self._fresh(role, number, len(drawn))
            batch[role] = [rows[i] for i in chosen]
        return batch

    def _drawn(self, epoch: int, within: int) -> list[int]:
        """Rows of the primary role in one step."""
        if self.grouped:
            return self.grouped[self._shuffled(len(self.grouped), "steps", epoch)[within]]
        order = self._order(self.primary, epoch)
        return order[within * self.batch_size : (within + 1) * self.batch_size]

    def _groups(self) -> list[list[int]]:
        """The primary role's pairs in steps: prompts in random order, as many to a step as fit."""
        prompts: dict[tuple[int, ...], list[int]] = {}
        for i, pair in enumerate(self.roles[self.primary]):
            assert isinstance(pair, EncodedPair), "whole_prompts is for methods of pairs"
            prompts.setdefault(pair.chosen.prompt_ids, []).append(i)
        groups = list(prompts.values())
        steps: list[list[int]] = [[]]
        for i in self._shuffled(len(groups), "prompts", 0):
            if steps[-1] and len(steps[-1]) + len(groups[i]) > self.batch_size:
                steps.append([])
            steps[-1] += groups[i]
        return steps

    def _fresh(self, role: str, step: int, count: int) -> list[int]:
        """Rows step * batch_size ... of an endless sequence of shuffled passes over the role."""
        size = len(self.roles[role])
        first = step * self.batch_size
        return [self._order(role, i // size)[i % size] for i in range(first, first + count)]

    def _order(self, role: str, epoch: int) -> list[int]:
        return self._shuffled(len(self.roles[role]), role, epoch)

    def _shuffled(self, size: int, name: str, epoch: int) -> list[int]:
        import torch

        mixed = hash_seed(self.seed, name, epoch)
        return torch.randperm(size, generator=torch.Generator().manual_seed(mixed)).tolist()


def micro_batches(
    step: Mapping[str, Sequence[Item]],
    limit: int,
    pad_id: int,
    references: References,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """Cut a step into parts of at most `limit` rows per role (0: one part) and collate them.

    Rows are sorted by length first, so a part pads little; aligned roles keep one common order.
    """
    rows = max(len(items) for items in step.values())
    count = -(-rows // limit) if limit else 1
    ordered = _by_length(step)
    sizes = {role: _size(items) for role, items in step.items()}
    for part in range(count):
        batch: dict[str, Any] = {}
        for role, items in ordered.items():
            slice_ = items[part * len(items) // count : (part + 1) * len(items) // count]
            if slice_:
                batch[role] = _collate(slice_, pad_id, device, sizes[role], references, role)
        yield cast(Batch, batch)


def _by_length(step: Mapping[str, Sequence[Item]]) -> dict[str, list[Item]]:
    ordered: dict[str, list[Item]] = {}
    for role, items in step.items():
        lengths = [
            len(item) for item in (step[ALIGNED[role]] if ALIGNED.get(role) in step else items)
        ]
        ordered[role] = [items[i] for i in sorted(range(len(items)), key=lengths.__getitem__)]
    return ordered


def _size(items: Sequence[Item]) -> dict[str, tuple[int, int]]:
    """Sequences and completion tokens of a whole step, by part of the item."""
    parts = {"": [i for i in items if isinstance(i, Encoded)]}
    parts["chosen"] = [i.chosen for i in items if isinstance(i, EncodedPair)]
    parts["rejected"] = [i.rejected for i in items if isinstance(i, EncodedPair)]
    return {
        name: (len(texts), sum(len(t.completion_ids) for t in texts))
        for name, texts in parts.items()
    }


def _collate(
    items: Sequence[Item],
    pad_id: int,
    device: torch.device | str,
    size: Mapping[str, tuple[int, int]],
    references: References,
    role: str,
) -> TextBatch | PairBatch:
    def batch(texts: list[Encoded], part: str) -> TextBatch:
        return references.attach(role, texts, collate(texts, pad_id, device, size[part]))

    if isinstance(items[0], Encoded):
        return batch([i for i in items if isinstance(i, Encoded)], "")
    pairs = [i for i in items if isinstance(i, EncodedPair)]
    return PairBatch(
        batch([p.chosen for p in pairs], "chosen"), batch([p.rejected for p in pairs], "rejected")
    )
