"""A step that does not fit into memory is taken again in smaller parts, from where it began.

    step = Splitting(job, state)
    output = step.take(number_of_rows, attempt)     "...: out of memory; micro-batch 8 from here on"

The gradient of a step does not depend on how it is cut, up to rounding. Random numbers and what the
method remembers are put back before the next try. Once the optimiser has begun to change weights
there is no way back; then, and where there is nothing left to cut, one line says so.
"""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from typing import Any

import torch

from suite.api.step import StepOutput, TrainState
from suite.core.errors import UserError
from suite.train.job import TrainJob
from suite.train.online import OnlineMethod

LESS = "docs/one_card.md lists what needs less memory"
ON_A_CPU = "can't allocate memory"
"""Part of what torch says where the machine's memory does not suffice, as a RuntimeError."""


class Splitting:
    """Takes the steps of one training."""

    def __init__(self, job: TrainJob, state: TrainState) -> None:
        self.job = job
        self.state = state
        self._moved = False
        state.optimizer.register_step_pre_hook(self._begin_to_move)

    def _begin_to_move(self, *_: Any) -> None:
        self._moved = True

    def take(self, rows: int, attempt: Callable[[], StepOutput]) -> StepOutput:
        """`attempt` one step on `rows` rows, with smaller micro-batches until it fits. UserError:
        it never does."""
        before = _Before(self.job, self.state)
        self._moved = False
        while True:
            try:
                return attempt()
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Behind the clause: the error itself keeps the tensors of the failed try alive.
            self.state.optimizer.zero_grad(set_to_none=True)
            _give_back()
            self._halve(rows)
            before.restore()

    def _halve(self, rows: int) -> None:
        job, state = self.job, self.state
        where = f"{job.label or job.method.name}, step {state.step + 1}: out of memory"
        online = isinstance(job.method, OnlineMethod)
        if state.placement.processes > 1:
            # The others wait for this one in the midst of the step.
            raise UserError(f"{where} of a shard; set a smaller train.micro_batch; {LESS}")
        if self._moved:
            raise UserError(f"{where} while the weights were being changed; {LESS}")
        if job.method.batch_coupled and not online:
            raise UserError(
                f"{where}, and a step of {job.method.name} cannot be cut, since its loss compares "
                f"the rows of a step; {LESS}"
            )
        size = min(state.micro_batch or rows, rows)
        if size == 1:
            raise UserError(f"{where} with a micro-batch of a single row; {LESS}")
        state.micro_batch = size // 2
        job.progress.say(f"{where}; micro-batch {state.micro_batch} from here on, not {size}")


class _Before:
    """What a try changes although it does not end."""

    def __init__(self, job: TrainJob, state: TrainState) -> None:
        self.method = job.method
        self.remembered = copy.deepcopy(job.method.state_dict())
        self.random = torch.get_rng_state()
        self.device = job.device if job.device.startswith("cuda") else ""
        self.random_there = torch.cuda.get_rng_state(self.device) if self.device else None

    def restore(self) -> None:
        """Put it back."""
        self.method.load_state_dict(copy.deepcopy(self.remembered))
        torch.set_rng_state(self.random)
        if self.random_there is not None:
            torch.cuda.set_rng_state(self.random_there, self.device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory of the device, or of the machine, did not suffice."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or ON_A_CPU in str(error)


def _give_back() -> None:
    """Free what nobody refers to any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
