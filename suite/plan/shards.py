"""Whether a training can be computed by several processes (`train.shards`)."""

from __future__ import annotations

from suite.core.errors import UserError
from suite.model.devices import accelerators
from suite.settings import TrainConfig


def check_shards(config: TrainConfig, device: str, method: str) -> None:
    """Refuse what shards cannot do, or this machine. UserError."""
    count = config.shards
    if count < 1:
        raise UserError(f"{method}: shards must be 1 or more, not {count}")
    if count == 1:
        return
    if config.lora_rank:
        raise UserError(f"{method}: shards={count} trains all weights: set lora_rank to 0")
    if config.weights != "float32":
        raise UserError(f"{method}: shards={count} keeps weights in float32, not {config.weights}")
    if config.optimizer != "adamw":
        raise UserError(f"{method}: shards={count} needs optimizer=adamw, not {config.optimizer}")
    if ":" in device:
        raise UserError(f"{method}: shards={count} takes a GPU each, so --device {device} is wrong")
    if device == "cuda" and len(accelerators()) < count:
        found = len(accelerators())
        raise UserError(
            f"{method}: shards={count}, but this process sees {found} GPU{'s' * (found != 1)}"
        )
