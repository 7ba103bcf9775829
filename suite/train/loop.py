"""The training loop that all methods share.

    start folder -> model, policy -> steps (Sampler -> micro-batches -> method.train_step)
        -> <out>/epoch-NN, log.jsonl

Weights and optimiser are float32; the forward pass may run under bf16 autocast, then of weights
that are rounded stochastically (see `suite.train.precision`). There is no dropout anywhere.

A run that was killed goes on from its newest step checkpoint and ends in the same bytes
(on a CPU).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch

from suite.api.batch import Policy
from suite.api.data import Encoded, Item
from suite.api.method import Method
from suite.api.returned import check_heads, check_roles
from suite.api.reward import Rewarder
from suite.api.step import BF16_GAIN, StepOutput, TrainState
from suite.core import faults, interrupt
from suite.core.progress import Progress, Silent
from suite.model import adapters
from suite.model import folder as models
from suite.model.agreement import check_agreement
from suite.model.encoding import unknown_ids
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy, head_of
from suite.model.reference import References
from suite.model.rounding import gain_between
from suite.model.weights import is_bfloat16
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.train import checkpoints
from suite.train.cost import Cost, CostMeter
from suite.train.log import TrainingLog
from suite.train.precision import StochasticRounding
from suite.train.sampling import Sampler, micro_batches


@dataclass
class TrainJob:
    """One training run."""

    method: Method[Any]
    config: TrainConfig
    seed: int
    start: Path
    """Model folder to start from."""
    roles: Mapping[str, Sequence[Item]]
    references: References
    out: Path
    scratch: Path
    dtype: str = "float32"
    device: str = "cpu"
    label: str = ""
    epochs: frozenset[int] | None = None
    """The epochs after which a model folder is written; None: every epoch."""
    checkpoint_seconds: float = 60.0
    """A step checkpoint is written when this much time has passed since the last one."""
    rewarder: Rewarder | None = None
    progress: Progress = field(default_factory=Silent)
    on_step: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None


def train(job: TrainJob) -> Cost:
    """Run a job from its newest checkpoint (or the start) to its end; return what it cost, all
    attempts together."""
    meter = CostMeter(job.scratch, job.device)
    torch.manual_seed(job.seed)
    roles = job.method.select(job.roles)
    check_roles(job.method, roles)
    sampler = _sampler(job, roles)
    tokenizer = models.load_tokenizer(job.start)
    state = _prepare(job, sampler, tokenizer)
    rounding = _rounding(job, state)
    state.begin(job.method, roles)
    resumed = _resume(job, state, sampler.steps_per_epoch)
    log = TrainingLog(job.scratch / "log.jsonl", keep=state.step)
    if not resumed:
        with rounding.step(0) if rounding else nullcontext():
            _check_step_zero(job, sampler, state, tokenizer.pad_token_id)
    total = sampler.steps_per_epoch * job.config.epochs
    saved = time.monotonic()
    with job.progress.task(job.label or f"train {job.method.name}", total, "step") as bar:
        bar.advance(state.step)
        while state.step < total:
            with rounding.step(state.step) if rounding else nullcontext():
                output = _one_step(job, sampler, state, tokenizer.pad_token_id)
            if state.step % sampler.steps_per_epoch == 0:
                kept = _keep_epoch(job, state, tokenizer, state.step // sampler.steps_per_epoch)
                output = replace(output, metrics={**output.metrics, **kept})
            log.write(state.step, output, _tokens(sampler.step(state.step - 1)))
            job.on_step(
                state.step, {"loss": output.loss, "grad_norm": output.grad_norm, **output.metrics}
            )
            bar.advance(1, f"loss {output.loss:.3g}")
            if time.monotonic() - saved >= job.checkpoint_seconds or interrupt.pending():
                checkpoints.save(state, job.method, job.scratch)
                meter.save()
                saved = time.monotonic()
            interrupt.check()
    _publish(job)
    return meter.cost()


def _one_step(job: TrainJob, sampler: Sampler, state: TrainState, pad_id: int) -> StepOutput:
    limit = 0 if job.method.batch_coupled else job.config.micro_batch
    batch = list(micro_batches(sampler.step(state.step), limit, pad_id, job.references, job.device))
    output = state.advance(job.method, batch)
    faults.point("train.step", state.step)
    return output


def _tokens(batch: Mapping[str, Sequence[Item]]) -> int:
    """Tokens of a step's texts, prompts included."""
    items = [item for rows in batch.values() for item in rows]
    return sum(len(i) if isinstance(i, Encoded) else len(i.chosen) + len(i.rejected) for i in items)


def _prepare(job: TrainJob, sampler: Sampler, tokenizer: Any) -> TrainState:
    model = models.load_model(job.start).to(job.device)
    models.disable_dropout(model)
    check_agreement(model, _two_texts(job.roles), job.config.max_length)
    reference_head = None
    if job.method.needs_reference_hidden:
        reference_head = head_of(model).weight.detach().clone()
    if job.config.lora_rank:
        model = adapters.wrap(model, job.config.lora_rank, job.config.lora_alpha)
    given = job.method.heads(head_of(model).weight.shape[1])
    check_heads(job.method, given)
    heads = {name: head.to(job.device) for name, head in given.items()}
    parameters = [
        p for module in (model, *heads.values()) for p in module.parameters() if p.requires_grad
    ]
    optimizer = torch.optim.AdamW(
        parameters, lr=job.config.lr, weight_decay=job.config.weight_decay, fused=True
    )
    schedule = lr_schedule(job.config, sampler.steps_per_epoch)
    return TrainState(
        # A language model reads whole text batches, which say more than `Texts` does.
        policy=cast(Policy, LMPolicy(model, reference_head)),
        parameters=parameters,
        optimizer=optimizer,
        scheduler=torch.optim.lr_scheduler.LambdaLR(optimizer, schedule),
        max_grad_norm=job.config.max_grad_norm,
        autocast=autocast(job.dtype, job.device),
        seed=job.seed,
        micro_batch=job.config.micro_batch,
        heads=heads,
        rewarder=job.rewarder,
        unknown_ids=unknown_ids(tokenizer, head_of(model).vocabulary),
    )


def _rounding(job: TrainJob, state: TrainState) -> StochasticRounding | None:
    """Let the forward passes see weights that are rounded by chance; None where none are cast."""
    if job.dtype != "bfloat16" or job.config.rounding == "nearest":
        return None
    modules = (cast(LMPolicy, state.policy).model, *state.heads.values())
    rounding = StochasticRounding(modules, state.optimizer, job.seed, state.autocast)
    state.autocast = rounding.forward
    return rounding


def _two_texts(roles: Mapping[str, Sequence[Item]]) -> list[Encoded]:
    """Two texts of the data, for the check of the model."""
    found: list[Encoded] = []
    for items in roles.values():
        for item in items[:2]:
            found.append(item if isinstance(item, Encoded) else item.chosen)
    # A prompt alone, of a method that samples its answers, has nothing to score.
    return [text for text in found if text.completion_ids][:2]


def lr_schedule(config: TrainConfig, steps_per_epoch: int) -> Callable[[int], float]:
    """Factor on the learning rate: linear warm-up, then linear decay to zero (or constant)."""
    total = config.epochs * steps_per_epoch
    warmup = config.warmup_steps or round(config.warmup_epochs * steps_per_epoch)
    warmup = min(warmup, total)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        if config.schedule == "constant":
            return 1.0
        return max(0.0, (total - step) / max(1, total - warmup))

    return factor


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
    with state.delivered(job.method):
        adapters.save(state.policy.model, tokenizer, folder)
        found = gain_between(job.start, folder) if job.dtype == "bfloat16" else None
        if job.dtype == "bfloat16" and is_bfloat16(job.start):
            models.to_bfloat16(folder)
        job.method.save(state, folder)
    return {} if found is None else {BF16_GAIN: found}


def _sampler(job: TrainJob, roles: Mapping[str, Sequence[Item]]) -> Sampler:
    whole = job.method.whole_prompts
    return Sampler(roles, job.config.batch_size, job.seed, whole_prompts=whole)


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
    # Linked, not moved: a crash between here and the end of publishing must still find them.
    shutil.copytree(job.scratch / "epochs", job.out, copy_function=os.link, dirs_exist_ok=True)
    shutil.copy(job.scratch / "log.jsonl", job.out / "log.jsonl")
