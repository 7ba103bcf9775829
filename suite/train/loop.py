"""The training loop that all methods share.

    start folder -> model, policy -> steps (Sampler -> micro-batches -> method.train_step)
        -> <out>/epoch-NN, log.jsonl

Weights and optimiser are float32; the forward pass may run under bf16 autocast, then of weights
that are rounded stochastically (see `suite.train.precision`). Or the weights are kept in bf16 (see
`suite.model.compact`, `suite.train.optimizer`). There is no dropout anywhere.

A run that was killed goes on from its newest step checkpoint and ends in the same bytes
(on a CPU).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from suite.api.data import Encoded, Item
from suite.api.returned import check_roles
from suite.api.step import BF16_GAIN, StepOutput, TrainState
from suite.core import faults, interrupt
from suite.model import adapters
from suite.model import folder as models
from suite.model.rounding import gain_between
from suite.model.weights import is_bfloat16
from suite.stages.handles import epochs_in
from suite.train import checkpoints
from suite.train.cost import Cost, CostMeter
from suite.train.job import TrainJob
from suite.train.log import TrainingLog
from suite.train.online import OnlineMethod
from suite.train.precision import StochasticRounding
from suite.train.prepare import prepare, rounding_of, sampler_of
from suite.train.sampling import Sampler, micro_batches
from suite.train.splitting import Splitting


def train(job: TrainJob) -> Cost:
    """Run a job from its newest checkpoint (or the start) to its end; return what it cost."""
    meter = CostMeter(job.scratch, job.device)
    torch.manual_seed(job.seed)
    roles = job.method.select(job.roles)
    check_roles(job.method, roles)
    sampler = sampler_of(job, roles)
    tokenizer = models.load_tokenizer(job.start)
    state = prepare(job, sampler, tokenizer)
    rounding = rounding_of(job, state)
    state.begin(job.method, roles)
    resumed = _resume(job, state, sampler.steps_per_epoch)
    log = TrainingLog(job.scratch / "log.jsonl", keep=state.step)
    if not resumed:
        with _rounded(rounding, 0):
            _check_step_zero(job, sampler, state, tokenizer.pad_token_id)
    splitting = Splitting(job, state)
    total = sampler.steps_per_epoch * job.config.epochs
    saved = time.monotonic()
    with job.progress.task(job.label or f"train {job.method.name}", total, "step") as bar:
        bar.advance(state.step)
        while state.step < total:
            step = partial(_one_step, job, sampler, state, tokenizer.pad_token_id, rounding)
            output = splitting.take(_rows(job, sampler.step(state.step)), step)
            epoch, within = divmod(state.step, sampler.steps_per_epoch)
            if within == 0:
                kept = _keep_epoch(job, state, tokenizer, epoch)
                output = replace(output, metrics={**output.metrics, **kept})
            _tell(job, log, state.step, output, sampler.step(state.step - 1))
            bar.advance(1, f"loss {output.loss:.3g}")
            old = time.monotonic() - saved
            due, ends = job.placement.told((old >= job.checkpoint_seconds, interrupt.pending()))
            if due or ends:
                checkpoints.save(state, job.method, job.scratch)
                meter.save()
                saved = time.monotonic()
            if ends:
                interrupt.obey()
    _publish(job)
    return meter.cost()


def _one_step(
    job: TrainJob,
    sampler: Sampler,
    state: TrainState,
    pad_id: int,
    rounding: StochasticRounding | None,
) -> StepOutput:
    limit = 0 if job.method.batch_coupled else state.micro_batch
    parts = micro_batches(sampler.step(state.step), limit, pad_id, job.references, job.device)
    # The parts of an online step are its answers: it has each prompt in every process.
    online = isinstance(job.method, OnlineMethod)
    batch = list(parts) if online else job.placement.share(parts)
    with _rounded(rounding, state.step):
        output = state.advance(job.method, batch)
    faults.point("train.step", state.step)
    return output


def _tell(
    job: TrainJob,
    log: TrainingLog,
    step: int,
    output: StepOutput,
    batch: Mapping[str, Sequence[Item]],
) -> None:
    """Log what a step did."""
    log.write(step, output, _tokens(batch))
    job.on_step(step, {"loss": output.loss, "grad_norm": output.grad_norm, **output.metrics})


def _rounded(rounding: StochasticRounding | None, step: int) -> AbstractContextManager[None]:
    return nullcontext() if rounding is None else rounding.step(step)


def _rows(job: TrainJob, batch: Mapping[str, Sequence[Item]]) -> int:
    """Rows of a step that may be parted; of an online method, its answers."""
    rows = max(map(len, batch.values()))
    return rows * job.method.samples if isinstance(job.method, OnlineMethod) else rows


def _tokens(batch: Mapping[str, Sequence[Item]]) -> int:
    """Tokens of a step's texts, prompts included."""
    items = [item for rows in batch.values() for item in rows]
    return sum(len(i) if isinstance(i, Encoded) else len(i.chosen) + len(i.rejected) for i in items)


STEP_ZERO_TOLERANCE = {"float32": 1e-3, "bfloat16": 0.1}
"""Largest mean |log-ratio| per completion token before the first step, nats. bf16 rounds
differently in batches of another shape; float32 does so too, a thousand times less."""


@torch.no_grad()
def _check_step_zero(job: TrainJob, sampler: Sampler, state: TrainState, pad_id: int) -> None:
    """Before the first step the policy is the reference, so every log-ratio is 0.

    One check that catches dropout, dtype, template, packing and stale-cache mistakes.
    """
    batch = next(micro_batches(sampler.step(0), 8, pad_id, job.references, job.device))
    parts: Mapping[str, Any] = dict(batch)
    for role, part in parts.items():
        for texts in (part.chosen, part.rejected) if hasattr(part, "chosen") else (part,):
            if texts.reference_token_logps is None:
                continue
            with state.autocast():
                scored = state.policy(texts)
                gap = float((scored.token_logps - texts.reference_token_logps).abs().mean())
            if gap > STEP_ZERO_TOLERANCE[job.dtype]:
                raise RuntimeError(
                    f"{job.method.name}: before the first step, policy and reference differ on "
                    f"{role!r} by "
                    f"{gap:.4g} nats a token; they must be equal"
                )


def _keep_epoch(job: TrainJob, state: TrainState, tokenizer: Any, epoch: int) -> dict[str, float]:
    """Write the epoch's model folder; in bf16, return how much of the training its rounding
    shows.

    The weights are written in the model's own precision, unless that is bfloat16 and the run
    measures in float32: then rounding could hide what was trained.
    """
    if job.epochs is not None and epoch not in job.epochs:
        return {}
    folder = job.scratch / "epochs" / f"epoch-{epoch:02d}"
    shutil.rmtree(folder, ignore_errors=True)
    found = None
    with state.delivered(job.method):
        weights = job.placement.weights(state.policy.model)
        if job.placement.is_main:
            adapters.save(state.policy.model, tokenizer, folder, weights)
            # What 4 bits changed of the start is no training.
            asked = job.dtype == "bfloat16" and job.config.weights != "nf4"
            found = gain_between(job.start, folder) if asked else None
            if job.dtype == "bfloat16" and is_bfloat16(job.start):
                models.to_bfloat16(folder)
        with job.placement.saving(state.heads, folder):
            job.method.save(state, folder)
    return {} if found is None else {BF16_GAIN: found}


def _resume(job: TrainJob, state: TrainState, steps_per_epoch: int) -> bool:
    """Go on from the newest checkpoint before the first epoch that is wanted and was not written.

    The start that was interrupted may have been asked for fewer epochs. False: from the start.
    """
    wanted = job.epochs or range(1, job.config.epochs + 1)
    lacking = set(wanted) - set(epochs_in(job.scratch / "epochs"))
    if lacking:
        checkpoints.drop_from(job.scratch, min(lacking) * steps_per_epoch)
    return checkpoints.restore(state, job.method, job.scratch)


def _publish(job: TrainJob) -> None:
    if not job.placement.is_main:
        return
    # Linked, not moved: a crash between here and the end of publishing must still find them.
    shutil.copytree(job.scratch / "epochs", job.out, copy_function=os.link, dirs_exist_ok=True)
    shutil.copy(job.scratch / "log.jsonl", job.out / "log.jsonl")
