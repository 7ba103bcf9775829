"""Checked conversion of what callers hold (lists, arrays, None for missing) into numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Labels = Sequence[Any] | NDArray[Any]
"""Ids of clusters, one per item: strings or integers."""


def as_values(values: ArrayLike, name: str = "values") -> Array:
    """Return a float array (n,), n >= 1.

    Raises ValueError that names the first entry which is None, NaN or infinite.
    """
    array = np.asarray(values, dtype=np.float64)  # None becomes NaN
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty list of numbers, not of shape {array.shape}")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}] is missing or not finite ({bad.size} of {array.size} are): "
            "drop such items and say so, or report the metric as missing"
        )
    return array


def cluster_codes(clusters: Labels | None, n: int) -> tuple[Codes, int]:
    """Number the clusters of n items 0..C-1 and return (codes (n,), C).

    None: every item is its own cluster.
    """
    if clusters is None:
        return np.arange(n), n
    labels = as_labels(clusters, n)
    unique, codes = np.unique(labels, return_inverse=True)
    return codes.astype(np.intp), len(unique)


def as_labels(clusters: Labels, n: int) -> NDArray[np.str_]:
    """Return the ids as strings, (n,). Raises ValueError if there are not n, or if one is None."""
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} cluster ids for {n} values")
    if any(label is None for label in clusters):
        raise ValueError("a cluster id is missing (None)")
    return np.asarray([str(label) for label in clusters])


def chunks(total: int, width: int, cells: int = 1 << 22) -> Iterator[int]:
    """Cut `total` rows of `width` numbers into blocks of at most `cells` numbers (32 MiB)."""
    step = max(1, cells // max(1, width))
    for start in range(0, total, step):
        yield min(step, total - start)


def resample_counts(rng: np.random.Generator, rows: int, size: int) -> Array:
    """Draw `size` things with replacement, `rows` times.

    Returns how often each thing was drawn, (rows, size).
    """
    # Picks of row i are numbered from i * size, so that one bincount counts all rows.
    # This is ten times as fast as `rng.multinomial`.
    offsets = size * np.arange(rows)[:, None]
    picks = rng.integers(0, size, (rows, size)) + offsets
    counts = np.bincount(picks.ravel(), minlength=rows * size)
    return counts.reshape(rows, size).astype(np.float64)
