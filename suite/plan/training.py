"""The stages that train: start models, each method's own training, reward models, later phases.

base ─ start (target, retrain) ─ reference ─ train (method) ─ train (a later phase)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

from suite.api.data import BenchmarkData, Row
from suite.api.finished import FinishedModel
from suite.api.method import Method
from suite.api.phases import Phase
from suite.api.requests import Request
from suite.config import finetune_settings, method_settings, settings_of_method
from suite.core.errors import UserError
from suite.plan.precision import check_precision
from suite.plan.reading import Reading
from suite.plan.shards import check_shards
from suite.plan.starts import Starts
from suite.settings import HOW_A_STEP_IS_COMPUTED, TrainConfig
from suite.stages import trained_reward
from suite.stages.base_model import imported, tiny_base
from suite.stages.handles import Model, RewardUse, Trained
from suite.stages.rows import Rows, SampledRows, inputs_of
from suite.store import Json, Stage, closure_digest, digest, jsonable


class Training(ABC):
    """Makes the stages that train models; `start_seed`: of those that methods start from."""

    def __init__(self, reading: Reading, start_seed: int = 0) -> None:
        self.reading = reading
        self.start_seed = start_seed
        self.context = context = reading.context
        self.benchmark = reading.benchmark
        self.split = reading.split
        self.finetune = finetune_settings(
            context.config, context.registry, self.benchmark.name, self.split
        )

    @property
    def data(self) -> BenchmarkData:
        """The benchmark's data, the same for every start seed."""
        return self.reading.data

    @property
    def requests(self) -> list[Request]:
        """What every model is asked."""
        return self.reading.requests

    @property
    @abstractmethod
    def sampled(self) -> Stage:
        """Rows made of the starting model's answers."""

    @cached_property
    def base(self) -> Model:
        """The model that everything starts from."""
        if self.context.config.model == "tiny":
            return tiny_base(self.context, self._fine_tune, self.start_seed)
        return imported(self.context, self.context.config.model)

    @property
    def starts(self) -> Starts:
        """Where its start models come from."""
        return self.reading.starts

    def start(self, name: str) -> Trained:
        """A start model: one that is there (the first, if there are several), or one fine-tuned on
        the benchmark's rows of that name. UserError: it is neither."""
        return self.every(name)[0]

    def every(self, name: str) -> tuple[Trained, ...]:
        """All start models of a name."""
        starts = self.starts
        if name not in starts.names:
            raise UserError(f"benchmark {self.benchmark.name!r} has no start model {name!r}")
        if name in starts.ready:
            return tuple(Trained({0: model}, None) for model in starts.ready[name])
        if name not in starts.made:
            raise UserError(starts.lacking(self.benchmark.name, name))
        rows = self.data.starts[name]
        if not rows:
            return (Trained({0: self._given(name)}, None),)
        stage = self._fine_tune(self.base, rows, self.finetune, f"fine-tune {name}")
        return (Trained.by(stage, (self.finetune.epochs,)),)

    @cached_property
    def first(self) -> Model:
        """Where methods start: the first start model, or the base."""
        if not self.starts.names:
            return self.base
        return self.start(self.starts.names[0]).final

    def _given(self, name: str) -> Model:
        """The base, as a start model that is not fine-tuned. UserError: the run's model was not
        named and is another start model."""
        for other, models in self.starts.ready.items():
            if self.base.stage.key in (model.stage.key for model in models):
                raise UserError(
                    f"benchmark {self.benchmark.name!r}: the {name} model is the run's own, and "
                    f"that is the {other} model too; name it with --model or --start {name}=MODEL"
                )
        return self.base

    def _fine_tune(
        self, base: Model, rows: Sequence[Row], config: TrainConfig, label: str
    ) -> Stage:
        cls = self.context.registry.serving("start")
        return self._train(
            base,
            cls(cls.Config()),
            {"demonstrations": rows},
            config,
            seed=self.start_seed,
            label=label,
        )

    def method(self, method: Method[Any], config: TrainConfig, seed: int, label: str) -> Trained:
        """A cell's training run, if its method trains."""
        if isinstance(method, FinishedModel):
            # Asked as it is, like a start model: its scores do not depend on a method.
            return Trained({0: imported(self.context, method.config.path, f"method {label}")}, None)
        if not method.trains:
            asked = self.base if method.answered_by == "base" else self.first
            return Trained({0: asked}, None, method)
        every = self.context.config.evaluate == "epochs" and self.benchmark.best_by
        epochs = tuple(range(1, config.epochs + 1)) if every else (config.epochs,)
        rows = self.rows_of(method)
        stage = self._train(self.first, method, rows, config, seed=seed, label=label, epochs=epochs)
        return Trained.by(stage, epochs, method)

    def phase(
        self,
        phase: Phase,
        before: Model,
        method: Method[Any] | None,
        config: TrainConfig | None,
        seed: int,
        label: str,
    ) -> list[Model]:
        """The models of a phase after training that are evaluated, the last one at the end.
        `method`: the cell's own, and how it trains. UserError: it names what is not there."""
        named = ", ".join(filter(None, (label, phase.name)))
        if phase.kind != "train":
            spec = {**phase.spec, "epoch": before.epoch, "seed": seed}
            return [Model(self.context.stage(phase.kind, spec, {"model": before}, label=named))]
        if phase.method is not None:
            cls = self.context.registry.method_of_stage(phase.method)
            own, config = self._settings_of(cls)
            method = cls(own)
        if method is None or config is None:
            raise UserError(f"{named}: its phase names no method to train with")
        config = replace(config, **phase.train)
        rows: dict[str, Rows] = {}
        for role in sorted(method.roles):
            given = phase.rows.get(role)
            rows[role] = self.rows(phase.roles.get(role, role)) if given is None else given
        every = phase.every or config.epochs
        epochs = sorted({*range(every, config.epochs + 1, every), config.epochs})
        stage = self._train(before, method, rows, config, seed=seed, label=named, epochs=epochs)
        return [Model(stage, epoch) for epoch in epochs]

    def rows(self, role: str) -> Rows:
        """The training rows of a role: as they were read, or as the starting model's answers will
        give them."""
        if role in self.benchmark.sampled_roles:
            return SampledRows(self.sampled, role)
        if role not in self.data.roles:
            raise UserError(
                f"benchmark {self.benchmark.name!r}: {self.data.revision} holds no {role} to "
                "train on"
            )
        return self.data.roles[role]

    def rows_of(self, method: Method[Any]) -> dict[str, Rows]:
        """The training rows of all roles that a method has."""
        return {role: self.rows(role) for role in sorted(method.roles)}

    def _train(
        self,
        start: Model,
        method: Method[Any],
        roles: Mapping[str, Rows],
        config: TrainConfig,
        *,
        seed: int,
        label: str,
        epochs: Sequence[int] = (),
    ) -> Stage:
        """A training; `epochs`: those after which the model is written, by default the last."""
        reward = self.reward(method)
        check_precision(config, self.context.dtype, self.context.device, method.name)
        check_shards(config, self.context.device, method.name)
        training = asdict(config)
        step = {name: training.pop(name) for name in HOW_A_STEP_IS_COMPUTED}
        spec = self.context.text_spec(config) | {
            "method": method.name,
            "settings": jsonable(method.config),
            "source": self.context.registry.source_digest(type(method), method.modules),
            "train": training,
            "seed": seed,
            "roles": {role: self.rows_digest(rows) for role, rows in roles.items()},
            "epoch": start.epoch,
            "reward": reward.spec,
        }
        inputs: dict[str, Stage | Model] = {
            "start": start,
            **self._references(start, method, roles, config),
            **inputs_of(*roles.values()),
            **reward.inputs,
        }
        # What is written does not change the training either.
        written = list(epochs or (config.epochs,))
        resources: dict[str, Json] = {"step": step, "epochs": written}
        return self.context.stage("train", spec, inputs, label=label, resources=resources)

    def rows_digest(self, rows: Rows) -> str | None:
        """Digest of training rows; None where the key of the stage that makes them stands for
        it."""
        return None if isinstance(rows, SampledRows) else self.context.materials.add(rows)

    def _references(
        self, start: Model, method: Method[Any], roles: Mapping[str, Rows], config: TrainConfig
    ) -> dict[str, Stage]:
        """What the start model says of the rows, where the method asks for it."""
        stages = {}
        for role, rows in roles.items():
            hidden = role in method.needs_reference_hidden
            # A retain set is only trained on, unless the method wants its hidden states.
            if hidden or (method.needs_reference and role != "retain"):
                stage = self.reference(start, role, rows, config, hidden=hidden)
                stages[f"reference/{role}"] = stage
        return stages

    def reference(
        self, start: Model, role: str, rows: Rows, config: TrainConfig, *, hidden: bool
    ) -> Stage:
        """Log-probabilities (and last hidden states) of the starting model on training rows."""
        spec = self.context.text_spec(config) | {
            "rows": self.rows_digest(rows),
            # Rows with a digest are the same rows under any role.
            "role": role if isinstance(rows, SampledRows) else None,
            "hidden": hidden,
            "epoch": start.epoch,
            "weights": config.weights,
        }
        inputs: dict[str, Stage | Model] = {"model": start, **inputs_of(rows)}
        return self.context.stage("reference", spec, inputs, label="reference")

    @cached_property
    def reward_model(self) -> Model:
        """The reward model of the benchmark's pairs, trained once for all methods that need one."""
        cls = self.context.registry.serving("reward")
        own, training = self._settings_of(cls)
        method = cls(own)
        stage = self._train(
            self.first,
            method,
            self.rows_of(method),
            training,
            seed=self.start_seed,
            label="reward model",
        )
        return Model(stage, training.epochs)

    def reward(self, method: Method[Any] | None, own: Model | None = None) -> RewardUse:
        """The reward that a method needs; `own`: the model that it has trained itself."""
        kind = "" if method is None else method.needs_reward
        if kind == "ground_truth":
            return self._true_reward()
        model = self.reward_model if kind == "model" else own if kind == "own" else None
        if model is None:
            return RewardUse()
        # The code that opens a reward model is in the keys of those stages only that use one.
        code = closure_digest([trained_reward.__name__])
        return RewardUse({"epoch": model.epoch, "code": code}, {"reward": model})

    def _true_reward(self) -> RewardUse:
        truth = self.benchmark.reward(self.data)
        assert truth is not None, "planning refuses methods that need a truth where there is none"
        source = self.context.source_digest(type(truth))
        identity = truth.identity()
        key = digest({"identity": identity, "source": source})
        return RewardUse({"truth": self.context.materials.put(key, truth), "identity": identity})

    def _settings_of(self, cls: type[Method[Any]]) -> tuple[Any, TrainConfig]:
        config, registry = self.context.config, self.context.registry
        return settings_of_method(config, registry, cls, {}, self.benchmark.name, self.split)

    def settings(self, spec: str) -> tuple[Any, TrainConfig]:
        """Settings of a method that the benchmark itself asks for."""
        config, registry = self.context.config, self.context.registry
        return method_settings(config, registry, spec, self.benchmark.name, self.split)
