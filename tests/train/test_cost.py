"""What training cost: measured, and added up over attempts."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from suite.train.cost import CostMeter


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_attempts_add_up(tmp_path: Path) -> None:
    meter = CostMeter(tmp_path, "cpu")
    burn(0.2)
    meter.save()
    first = meter.cost()
    assert first.cpu_seconds >= 0.2 and first.gpu_seconds == 0
    again = CostMeter(tmp_path, "cpu")
    burn(0.1)
    assert again.cost().cpu_seconds == pytest.approx(first.cpu_seconds + 0.1, abs=0.08)
    assert again.cost().peak_bytes >= first.peak_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="the peak can be reset on Linux only")
def test_the_peak_is_this_trainings_own(tmp_path: Path) -> None:
    big = np.ones(40 << 20)  # 320 MiB, before the training
    del big
    meter = CostMeter(tmp_path, "cpu")
    least = meter.cost().peak_bytes
    held = np.ones(20 << 20)
    del held
    assert 150 << 20 < meter.cost().peak_bytes - least < 200 << 20
