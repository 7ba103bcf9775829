"""How far an engine's log-probabilities are from those of the training code.

It is measured whenever an engine loads a model, and kept beside the answers:

    respond/<key>/agreement.json    {"mean": 6.6e-07, "max": 1.9e-06, "tokens": 75}     nats
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from suite.store import atomic_write, read_json

if TYPE_CHECKING:
    from suite.api.engine import Engine
    from suite.store import Stage, Store

NAME = "agreement.json"


def keep(engine: Engine, folder: Path) -> None:
    """Write what the engine measured on the model it has just loaded.

    An engine that computes with the training code itself measures nothing.
    """
    measured = engine.agreement()
    if measured is not None:
        atomic_write(folder / NAME, json.dumps(dict(measured)) + "\n")


def hand_over(scratch: Path, out: Path) -> None:
    """Copy the measurement, if there is one, beside the finished answers."""
    if (scratch / NAME).is_file():
        atomic_write(out / NAME, (scratch / NAME).read_bytes())


def notes(store: Store, engine: str, stages: Iterable[Stage]) -> list[str]:
    """One line for the report, on the worst of all models whose answers are stored.

    No line where nothing was measured.
    """
    paths = {store.path(stage) / NAME for stage in stages if store.has(stage)}
    measured = [read_json(path) for path in sorted(paths) if path.is_file()]
    if not measured:
        return []
    mean = max(each["mean"] for each in measured)
    largest = max(each["max"] for each in measured)
    tokens = measured[0]["tokens"]
    return [
        f"log-probabilities of {engine} against the training stack: "
        f"differences of {mean:.1e} nats a token on average and {largest:.1e} at most "
        f"(the worst of {len(measured)} models, {tokens} tokens each)"
    ]
