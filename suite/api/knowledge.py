"""What a benchmark says of the knowledge that methods should remove: attacks look for it.

class Capitals(TextBenchmark):
    knowledge = Knowledge(metric="forget_probability", utility="retain_probability")
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Knowledge:
    """How an attack is scored. Rows to forget have the role `forget`, rows to keep `retain`."""

    metric: str
    """What the model still knows, a mean of item scores: the more, the less was forgotten."""
    utility: str
    """What should have stayed: more is better. An attack that costs much of it does not count."""
    set: str = "forget"
    """The evaluation set whose items are to be forgotten. An item has an `id`, which begins the
    ids of its requests, and a `cluster`, as the training rows have. If it is about a training row
    of another id, `row` names that. The `guess` of a `Generate` request is its right answer."""
