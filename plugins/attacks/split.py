"""Which facts an attack learns from, and which it asks about: two parts without a common fact.

    split = Split("clusters", share=0.5, seed=0)
    split.learnt(target)        training rows
    split.tested(target)        the data with the other items

Not a plugin of its own: it registers no attack.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite import BenchmarkData, Row, Target, UserError, is_about


@dataclass(frozen=True)
class Split:
    """Parts the rows to forget, by a hash of their ids: the same in every run."""

    by: Literal["clusters", "rows"]
    """Whole clusters (in TOFU: authors), or some rows of every cluster."""
    share: float
    """What part is learnt from; of the rest, all is asked."""
    seed: int

    def learnt(self, target: Target) -> list[Row]:
        """The rows that the attack learns from."""
        rows = [row for row in target.data.roles["forget"] if isinstance(row, Row)]
        clusters: dict[str, list[Row]] = {}
        for row in rows:
            clusters.setdefault(row.cluster, []).append(row)
        if self.by == "clusters":
            chosen = self._first(list(clusters))
            return [row for row in rows if row.cluster in chosen]
        ids: set[str] = set()
        for members in clusters.values():
            ids |= self._first([row.id for row in members])
        return [row for row in rows if row.id in ids]

    def tested(self, target: Target) -> BenchmarkData:
        """The data with the items about nothing that is learnt."""
        learnt = self.learnt(target)
        clusters = {row.cluster for row in learnt}
        left = []
        for item in target.items:
            if self.by == "clusters":
                known = item["cluster"] in clusters
            else:
                known = any(is_about(item, row) for row in learnt)
            if not known:
                left.append(item)
        return replace(target.data, sets={**target.data.sets, target.knowledge.set: left})

    def check(self, target: Target, option: str) -> None:
        """Refuse a split that leaves nothing to learn from, or to ask. `option`: who asks."""
        left = self.tested(target).sets[target.knowledge.set]
        if self.learnt(target) and left:
            return
        counted = len({row.cluster for row in target.data.roles["forget"]})
        raise UserError(
            f"{option}: {self.share:g} of the forget {self.by} leaves "
            f"{'nothing to ask about' if not left else 'nothing to learn from'} "
            f"(there are {counted} clusters); choose another share"
        )

    def _first(self, names: Sequence[str]) -> set[str]:
        """So many of the names: at least one, and not all unless the share is 1."""
        distinct = sorted(set(names), key=self._hash)
        wanted = round(self.share * len(distinct))
        return set(distinct[: max(1, wanted)])

    def _hash(self, name: str) -> str:
        return hashlib.sha256(f"{self.seed}/{name}".encode()).hexdigest()
