"""Whether a training can keep its weights and its optimiser's state as the settings say."""

from __future__ import annotations

from importlib.util import find_spec

from suite.core.errors import UserError
from suite.settings import TrainConfig


def check_precision(config: TrainConfig, dtype: str, device: str, method: str) -> None:
    """Refuse what would measure another model than it trains, or cannot run here."""
    if config.weights == "bfloat16" and dtype != "bfloat16":
        raise UserError(
            f"{method}: weights=bfloat16 needs forward passes in bfloat16: add --dtype "
            f"bfloat16 (this run computes in {dtype})"
        )
    if config.weights == "nf4" and not config.lora_rank:
        raise UserError(
            f"{method}: weights=nf4 are not trained themselves: add adapters, e.g. "
            f"--set {method}.lora_rank=16"
        )
    if config.optimizer.startswith("paged") and not device.startswith("cuda"):
        raise UserError(
            f"{method}: optimizer={config.optimizer} moves its state between a card and the "
            f"machine's memory, so it needs CUDA (this run computes on {device})"
        )
    _check_installed(config, method)


def _check_installed(config: TrainConfig, method: str) -> None:
    """Refuse what bitsandbytes does where it is not installed."""
    asked = [f"weights={config.weights}"] if config.weights == "nf4" else []
    asked += [f"optimizer={config.optimizer}"] if config.optimizer != "adamw" else []
    if asked and find_spec("bitsandbytes") is None:
        raise UserError(
            f"{method}: {' and '.join(asked)} needs bitsandbytes, which is not installed: "
            "pip install 'suite-compare[bitsandbytes]'"
        )
