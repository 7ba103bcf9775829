"""log.jsonl: what each step of a training measured."""

from __future__ import annotations

import json
from pathlib import Path

from suite.api.step import StepOutput


class TrainingLog:
    """The run's losses, one JSON line a step; after a resume it goes on behind the checkpoint's
    step."""

    def __init__(self, path: Path, keep: int) -> None:
        lines = path.read_text().splitlines()[:keep] if path.exists() else []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
        self.file = path.open("a")

    def write(self, step: int, output: StepOutput, tokens: int) -> None:
        """Write a step; who follows the file sees it at once."""
        record = {
            "step": step,
            "tokens": tokens,
            "loss": output.loss,
            "grad_norm": output.grad_norm,
            **output.metrics,
        }
        self.file.write(json.dumps(record) + "\n")
        self.file.flush()
