"""Small weights go with forward passes in bfloat16 only."""

from __future__ import annotations

import pytest

from suite import UserError
from suite.plan.precision import check_precision
from suite.settings import TrainConfig


def test_small_weights_need_passes_in_bfloat16() -> None:
    check_precision(TrainConfig(), "float32", "npo")
    check_precision(TrainConfig(), "bfloat16", "npo")
    small = TrainConfig(weights="bfloat16")
    check_precision(small, "bfloat16", "npo")
    with pytest.raises(UserError, match="npo: weights=bfloat16 needs .* add --dtype bfloat16"):
        check_precision(small, "float32", "npo")
