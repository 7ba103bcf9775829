"""Optimiser steps as `suite.train.loop` takes them, and how long a step takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from suite.api.step import TrainState
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy

STEPS = 3


def state_of(model: Any, parameters: list[nn.Parameter], dtype: str) -> TrainState:
    """A model about to train at a constant rate."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1.0)
    return TrainState(
        LMPolicy(model), parameters, optimizer, scheduler, 1.0, autocast(dtype, "cpu")
    )


def timed(function: Callable[[], float]) -> tuple[float, float, float]:
    """First value, and the fastest of STEPS further calls, in seconds and in CPU seconds."""
    first, seconds, cpu = function(), [], []
    for _ in range(STEPS):
        begin, spent = time.perf_counter(), time.process_time()
        function()
        seconds.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - spent)
    return first, min(seconds), min(cpu)
