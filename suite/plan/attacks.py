"""The stages of attacks on a cell's final model.

    final model ─┬───────────────────────────────────── respond ─ score    before
                 ├─ phase: train, quantize, ... ─ model ─ respond ─ score    a point of the grid
                 └─ phase ...

All models of a benchmark's split are attacked alike: methods, target, retrain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from suite.api.attack import Attack, Target, scores_itself
from suite.api.phases import Phase
from suite.config import attack_settings, split_attack
from suite.core.errors import UserError
from suite.model.quantized import quantization_of
from suite.plan.alike import given_models
from suite.plan.cell import AttackPoint, Evaluated
from suite.plan.reading import Reading
from suite.plan.tested_facts import refuse_tested_facts
from suite.plan.text_stages import TextStages
from suite.stages.context import Context
from suite.stages.handles import Model
from suite.store import Json, Stage, jsonable
from suite.train.sampling import PRIMARY


@dataclass(frozen=True)
class PlannedAttack:
    """An attack on one benchmark's split."""

    spec: str
    """As in --attack."""
    attack: Attack[Any]
    before: Target
    """The data with the tested items, and what the benchmark asks of them."""
    after: Target
    """The same with what the attacked model is asked."""
    phases: tuple[Phase, ...]

    @property
    def metric(self) -> str:
        """What is compared before and after."""
        return self.attack.metric or self.before.knowledge.metric


def plan_attacks(reading: Reading) -> tuple[PlannedAttack, ...]:
    """The run's attacks on a benchmark; none where it does not say what they should look for.

    UserError: one cannot work.
    """
    benchmark = reading.benchmark
    if benchmark.knowledge is None or not reading.context.config.attack:
        return ()
    quantized = _quantized(reading.context)
    target = Target(reading.data, reading.requests, benchmark.knowledge, quantized)
    _check_items(reading, target)
    return tuple(_planned(reading, spec, target) for spec in reading.context.config.attack)


def _quantized(context: Context) -> str:
    """Which model of the run has quantised weights, and how; "" if none has."""
    for option, source in given_models(context):
        if how := quantization_of(source):
            return f"{option}: {how}"
    return ""


def _check_items(reading: Reading, target: Target) -> None:
    """Refuse items that an attack could not tell apart."""
    name = target.knowledge.set
    for item in target.data.sets.get(name, ()):
        if not {"id", "cluster"} <= item.keys():
            raise reading.wrong(f"items of the set {name!r} need an id and a cluster")
    if not target.data.sets.get(name):
        raise reading.wrong(f"knowledge.set is {name!r}, which has no items")


def _planned(reading: Reading, spec: str, whole: Target) -> PlannedAttack:
    context, benchmark = reading.context, reading.benchmark
    own = attack_settings(context.config, context.registry, spec, benchmark.name, reading.split)
    attack = context.registry.attack(split_attack(context.registry, spec)[0])(own)
    attack.check(whole)
    data = attack.tested(whole)
    before = whole
    if data is not whole.data:
        before = replace(whole, data=data, requests=benchmark.requests(data))
    phases = tuple(attack.phases(before))
    if attack.disjoint:
        refuse_tested_facts(spec, phases, before)
    after = replace(before, requests=list(attack.requests(before)))
    return PlannedAttack(spec, attack, before, after, phases)


def attacked(
    stages: TextStages, planned: PlannedAttack, final: Evaluated, seed: int, shown: str
) -> Iterator[Evaluated]:
    """The cell's final model before the attack, then every attacked model."""
    assert final.model is not None and final.responses is not None, "only texts are attacked"
    label = f"{shown}, {planned.spec}"
    first = AttackPoint(planned.spec, planned.metric, planned.before.knowledge.utility, "", 0)
    score = _score(stages, planned, final.model, final.responses, planned.before, label)
    yield Evaluated(planned.spec, 0, score, final.model, final.responses, attack=first)
    for name, model in _models(stages, planned, final.model, seed, label):
        point = replace(first, variant=name, step=_step(stages.context, model, final.model))
        named = f"{shown}, {point.shown}"
        responses = stages.respond(model, None, named, planned.after.requests)
        score = _score(stages, planned, model, responses, planned.after, named)
        epoch = model.epoch or 0
        yield Evaluated(planned.spec, epoch, score, model, responses, attack=point)


def _models(
    stages: TextStages, planned: PlannedAttack, final: Model, seed: int, label: str
) -> Iterator[tuple[str, Model]]:
    """(point of the grid, attacked model)."""
    if not planned.phases:
        yield "", final
    for phase in planned.phases:
        for model in stages.phase(phase, final, None, None, seed, label):
            yield phase.name, model


def _step(context: Context, model: Model, final: Model) -> int | None:
    """Optimiser steps that the attack has taken; None: it trains nothing."""
    stage = model.stage
    if stage.kind != "train" or model == final:
        return None
    spec: Any = stage.spec
    role = next(role for role in PRIMARY if role in spec["roles"])
    if spec["roles"][role] is None:
        raise UserError(f"{stage}: an attack cannot train on rows that are made of answers")
    rows = len(context.materials[spec["roles"][role]])
    per_epoch: int = -(-rows // spec["train"]["batch_size"])
    return per_epoch * (model.epoch or 0)


def _score(
    stages: TextStages,
    planned: PlannedAttack,
    model: Model,
    responses: Stage,
    asked: Target,
    label: str,
) -> Stage:
    """Scores of a model before or after an attack; before it, on all items and by the benchmark,
    this is the stage that scores the cell."""
    materials = stages.context.materials
    own: dict[str, Json] = {
        "data": stages.reading.digest_of(asked.data),
        "requests": materials.add(asked.requests),
    }
    if scores_itself(planned.attack):
        own["attack"] = {
            "attack": planned.attack.name,
            "settings": jsonable(planned.attack.config),
            "source": stages.context.source_digest(type(planned.attack)),
        }
    return stages.score(model, None, responses, None, label, own)


def refuse_nothing_attacked(context: Context, found: bool) -> None:
    """Refuse attacks where no benchmark of the run can be attacked."""
    config = context.config
    if config.attack and not found:
        raise UserError(
            f"--attack {','.join(config.attack)}: nothing is attacked, since no benchmark of "
            f"{', '.join(config.bench)} says what an attack should look for"
        )
