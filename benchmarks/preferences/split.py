"""Which prompts are held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from suite import Pair, UserError


def hold_out(pairs: Sequence[Pair], how_many: float) -> tuple[list[Pair], list[Pair]]:
    """Split pairs into (training, held out), whole clusters together, each part in the order given.

    `how_many` clusters are held out; below 1: that share of them. They are chosen by a hash of
    their name, so neither the order of the rows nor a seed decides. Raises UserError if a part
    would be empty.
    """
    clusters = sorted({pair.cluster for pair in pairs}, key=_hash)
    if how_many >= 1 and how_many != int(how_many):
        raise UserError(
            f"preferences.held_out = {how_many}: a number of prompts (1 or more) must be whole"
        )
    count = int(how_many) if how_many >= 1 else round(how_many * len(clusters))
    if not 0 < count < len(clusters):
        raise UserError(
            f"preferences.held_out = {how_many:g} holds out {count} of {len(clusters)} prompts; "
            "training and evaluation need one at least"
        )
    chosen = set(clusters[:count])
    training: list[Pair] = []
    held_out: list[Pair] = []
    for pair in pairs:
        (held_out if pair.cluster in chosen else training).append(pair)
    return training, held_out


def _hash(cluster: str) -> str:
    return hashlib.sha256(cluster.encode()).hexdigest()
