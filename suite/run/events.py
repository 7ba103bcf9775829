"""What a process that makes stages notes and says of them."""

from __future__ import annotations

from suite.core.progress import Progress
from suite.store import Event, Stage
from suite.store.store import Observer


def observer(built: set[str], progress: Progress) -> Observer:
    """Note in `built` the keys of stages that are made, and say what a user should know."""

    def observe(stage: Stage, event: Event, seconds: float) -> None:
        if event == "built":
            built.add(stage.key)
        elif event == "waiting":
            progress.say(f"waiting for another process to finish: {stage}")
        elif event == "differs":
            progress.say(
                f"{stage}: made twice, with different results; `suite verify` lists what was "
                "made of the other one"
            )

    return observe
