"""What happens to a cell's model after its method's training: attacks, further forget sets, a
plugin's own changes.

    class Robust(TextBenchmark):
        phases = (
            # An attack.
            Phase("relearned", method="sft", roles={"demonstrations": "relearn"}),
            # The same method on a further forget set.
            Phase("second", roles={"forget": "forget_2"}),
            # A plugin's own kind of stage.
            Phase("noisy", kind="noise", spec={"scale": 0.01}),
        )

Phases follow each other: each starts from the model that the one before it leaves, and its model is
evaluated as the trained model is. Its metrics stand beside those of the trained model, as
"<phase>/<metric>".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from suite.api.data import Given
from suite.store import Json

TRAINING = "training"
"""Name of the first phase: the method's own training."""


@dataclass(frozen=True)
class Phase:
    """One change to a cell's model."""

    name: str
    kind: str = "train"
    """Kind of the stage that makes the new model. Every kind but "train" gets the model as its
    input `model`, with its epoch in the spec, and leaves a model folder."""
    spec: Mapping[str, Json] = field(default_factory=dict)
    """Settings of such a stage."""
    method: str | None = None
    """Kind "train": who trains; None: the cell's own method."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Kind "train": the method's role -> the role of the benchmark's data that it gets; the others
    keep their name."""
    rows: Mapping[str, Given] = field(default_factory=dict)
    """Kind "train": the method's role -> rows of the phase's own, instead of the benchmark's."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """Kind "train": training settings that differ from the method's own in this run."""
    every: int = 0
    """Kind "train", in an attack: the model is evaluated after so many epochs each, and after the
    last; 0: only after the last."""
