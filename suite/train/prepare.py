"""What a training run starts with: the model, its optimiser, and which rows each step sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch

from suite.api.batch import Policy
from suite.api.data import Encoded, Item
from suite.api.returned import check_heads
from suite.api.step import TrainState
from suite.model import adapters
from suite.model.compact import load_compact
from suite.model.encoding import unknown_ids
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy, head_of
from suite.model.recompute import checkpoint_layers
from suite.settings import TrainConfig
from suite.train.job import TrainJob
from suite.train.optimizer import make_optimizer
from suite.train.precision import StochasticRounding
from suite.train.sampling import Sampler


def sampler_of(job: TrainJob, roles: Mapping[str, Sequence[Item]]) -> Sampler:
    """Which rows each step sees."""
    whole = job.method.whole_prompts
    return Sampler(roles, job.config.batch_size, job.seed, whole_prompts=whole)


def prepare(job: TrainJob, sampler: Sampler, tokenizer: Any) -> TrainState:
    """The model as it starts, its optimiser, and all else that a step works on."""
    model = job.placement.prepare(partial(_load, job))
    reference_head = None
    if job.method.needs_reference_hidden:
        reference_head = job.placement.whole(head_of(model).weight).detach().clone()
    given = job.method.heads(head_of(model).weight.shape[1])
    check_heads(job.method, given)
    heads = {name: job.placement.prepare_head(head) for name, head in given.items()}
    parameters = [
        p for module in (model, *heads.values()) for p in module.parameters() if p.requires_grad
    ]
    optimizer = make_optimizer(job.config, parameters, job.seed)
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
        placement=job.placement,
    )


def _load(job: TrainJob) -> Any:
    """The starting model, checked, with all that training adds to it."""
    texts, longest = _two_texts(job.roles), job.config.max_length
    weights = job.config.weights
    model = load_compact(job.start, weights, job.placement, texts, longest, job.dtype)
    if job.config.lora_rank:
        model = adapters.wrap(model, job.config.lora_rank, job.config.lora_alpha)
    if job.config.gradient_checkpointing:
        checkpoint_layers(model)
    return model


def rounding_of(job: TrainJob, state: TrainState) -> StochasticRounding | None:
    """Let the forward passes see weights that are rounded by chance; None where none are cast."""
    if job.dtype != "bfloat16" or job.config.rounding == "nearest":
        return None
    modules = (cast(LMPolicy, state.policy).model, *state.heads.values())
    rounding = StochasticRounding(modules, state.optimizer, job.seed, state.autocast, job.placement)
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
