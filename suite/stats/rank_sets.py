"""Simultaneous rank sets: the ranks that each method may have, right for all methods at once.

A method's rank is at least 1 + the number of methods that are certainly better, and at most M - the
number of methods that are certainly worse. If all pairs are tested with a family-wise error of at
most alpha, all sets together hold the true ranks with probability 1 - alpha, near ties too
(Mogstad, Romano, Shaikh & Wilhelm 2024, "Inference for ranks").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def rank_sets(better: ArrayLike) -> list[tuple[int, int]]:
    """(lowest, highest) rank of M methods; better (M, M): whether i is certainly better than j."""
    table = np.asarray(better, dtype=bool)
    low = 1 + table.sum(axis=0)
    high = len(table) - table.sum(axis=1)
    return [(int(first), int(last)) for first, last in zip(low, high, strict=True)]
