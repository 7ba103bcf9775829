"""Whether the precision of a run, and that in which a training keeps its weights, go together."""

from __future__ import annotations

from suite.core.errors import UserError
from suite.settings import TrainConfig


def check_precision(config: TrainConfig, dtype: str, method: str) -> None:
    """Refuse small weights in a run that computes in float32: it would measure another model than
    it trains."""
    if config.weights != "float32" and dtype != "bfloat16":
        raise UserError(
            f"{method}: weights={config.weights} needs forward passes in bfloat16: add --dtype "
            f"bfloat16 (this run computes in {dtype})"
        )
