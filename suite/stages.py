"""The stages of a language-model benchmark, from the base model to a cell's scores.

    base ─ start (target, retrain) ─ reference log-probabilities ─ train (method) ─ respond ─ score

A stage's key follows from its configuration, its code and the keys of what it reads, so everything that two methods
share (start models, reference values, baseline answers) is one stage, computed once. Nothing here runs anything:
`Store.ensure` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from suite import (
    answers,
    kl_stage,
    open_reward,
    reference_stage,
    roles_stage,
    scoring,
    train_stage,
)
from suite.bases import imported, tiny_base
from suite.benchmark import BenchmarkData, Request, Row, Source, TextBenchmark
from suite.config import finetune_settings, method_settings, split_spec
from suite.errors import DoesNotFit, UserError
from suite.handles import Model, RewardUse, Trained
from suite.judged import ANSWER, JudgedBenchmark
from suite.judges import Rewards
from suite.judges.judging import Judging, make_judge
from suite.lab import Lab
from suite.method import Method
from suite.sampled import Digests, Rows, SampledRows, inputs_of
from suite.settings import TrainConfig
from suite.store import Json, Stage, closure_digest, digest, jsonable
from suite.texts import continues


class TextStages:
    """Makes the stages of one benchmark, split and model."""

    def __init__(self, lab: Lab, benchmark: TextBenchmark[Any], split: str) -> None:
        self.lab = lab
        self.benchmark = benchmark
        self.split = split
        self.finetune = finetune_settings(lab.config, lab.registry, benchmark.name, split)
        self.digests = Digests()

    @cached_property
    def data(self) -> BenchmarkData:
        """The benchmark's data, read and checked."""
        config = self.lab.config
        tiny = config.model == "tiny"
        whole = continues(config.template)
        return self.benchmark.load(
            Source(config.data, self.split, tiny, config.limit, config.allow_overlap, whole)
        )

    @cached_property
    def requests(self) -> list[Request]:
        """What every model is asked."""
        return self.benchmark.requests(self.data)

    @cached_property
    def base(self) -> Model:
        """The model that everything starts from."""
        return tiny_base(self._sft) if self.lab.config.model == "tiny" else imported(self.lab)

    def start(self, name: str) -> Trained:
        """A model fine-tuned on the benchmark's rows of that name; without any, the base itself."""
        rows = self.data.starts.get(name)
        if rows is None:
            raise UserError(f"benchmark {self.benchmark.name!r} has no start model {name!r}")
        stage = self._sft(self.base, rows, self.finetune, f"fine-tune {name}")
        return Trained.by(stage, (self.finetune.epochs,))

    @cached_property
    def first(self) -> Model:
        """Where methods start: the first start model, or the base."""
        if not self.data.starts:
            return self.base
        return self.start(next(iter(self.data.starts))).final

    def rows(self, role: str) -> Rows:
        """The training rows of a role: as they were read, or as the starting model's answers will give them."""
        if role in self.benchmark.sampled_roles:
            return SampledRows(self.sampled, role)
        if role not in self.data.roles:
            raise UserError(
                f"benchmark {self.benchmark.name!r}: {self.data.revision} holds no {role} to train on"
            )
        return self.data.roles[role]

    @cached_property
    def sampled(self) -> Stage:
        """Rows made of the starting model's answers."""
        wanted = self.benchmark.sampling_requests(self.data)
        inputs = {"responses": self._ask(self.first, None, wanted, "samples of the starting model")}
        build = roles_stage.making(self.benchmark, self.data)
        return Stage(
            "roles",
            self._benchmark_spec(),
            build,
            inputs,
            label="training rows from samples",
        )

    @cached_property
    def judging(self) -> Judging | None:
        """How answers are compared, on a benchmark that is judged."""
        if not isinstance(self.benchmark, JudgedBenchmark):
            return None
        rewards = Rewards(self.benchmark.reward(self.data), lambda: self.reward_model)
        judge = make_judge(self.lab, rewards)
        return Judging(
            judge, self.benchmark.questions(self.data), self._rival(self.benchmark.against)
        )

    def _rival(self, name: str) -> Stage | None:
        """The answers that others are compared with; None: those that the data bring."""
        if name == ANSWER:
            return None
        if name in self.data.starts:
            trained = self.start(name)
        else:
            try:
                method = self.lab.registry.method(split_spec(self.lab.registry, name)[0])
            except UserError as error:
                raise UserError(f"{self.benchmark.name}.against: {error}") from None
            own, training = self._settings(name)
            trained = self.method(method(own), training, 0, name)
        return self.respond(trained.final, trained.method, name)

    def _settings(self, spec: str) -> tuple[Any, TrainConfig]:
        """Settings of a method that the benchmark itself asks for."""
        return method_settings(
            self.lab.config, self.lab.registry, spec, self.benchmark.name, self.split
        )

    def _sft(self, base: Model, rows: Sequence[Row], config: TrainConfig, label: str) -> Stage:
        method = self.lab.registry.method("sft")
        return self._train(
            base, method(method.Config()), {"demonstrations": rows}, config, 0, label, "final"
        )

    def method(self, method: Method[Any], config: TrainConfig, seed: int, label: str) -> Trained:
        """A cell's training run, if its method trains."""
        if not method.trains:
            return Trained(
                {0: self.base if method.answered_by == "base" else self.first}, None, method
            )
        keep = self.lab.config.evaluate if self.benchmark.best_by else "final"
        rows = self._rows(method)
        stage = self._train(self.first, method, rows, config, seed, label, keep)
        if keep == "final" and self.benchmark.best_by and not self.lab.store.has(stage):
            # A run that kept every epoch has left the last one too.
            every = self._train(self.first, method, rows, config, seed, label, "epochs")
            if self.lab.store.has(every):
                stage = every
        epochs = range(1, config.epochs + 1) if keep == "epochs" else (config.epochs,)
        return Trained.by(stage, epochs, method)

    def _rows(self, method: Method[Any]) -> dict[str, Rows]:
        return {role: self.rows(role) for role in sorted(method.roles)}

    @cached_property
    def reward_model(self) -> Model:
        """The reward model of the benchmark's pairs, trained once for all methods that need one."""
        cls = self.lab.registry.method("reward_model")
        settings, config = self._settings("reward_model")
        method = cls(settings)
        stage = self._train(
            self.first, method, self._rows(method), config, 0, "reward model", "final"
        )
        return Model(stage, config.epochs)

    def reward(self, method: Method[Any] | None, own: Model | None = None) -> RewardUse:
        """The reward that a method needs; `own`: the model that it has trained itself."""
        kind = "" if method is None else method.needs_reward
        if kind == "ground_truth":
            truth = self.benchmark.reward(self.data)
            assert truth is not None, (
                "planning refuses methods that need a ground truth where there is none"
            )
            source = self.lab.registry.source_digest(type(truth))
            return RewardUse(
                {"ground_truth": truth.identity(), "source": source}, {}, lambda build: truth
            )
        model = self.reward_model if kind == "model" else own if kind == "own" else None
        if model is None:
            return RewardUse(None, {}, lambda build: None)
        opened = open_reward.opening_reward(self.lab, model)
        code = closure_digest([open_reward.__name__])
        return RewardUse({"epoch": model.epoch, "code": code}, {"reward": model.stage}, opened)

    def _train(
        self,
        start: Model,
        method: Method[Any],
        roles: dict[str, Rows],
        config: TrainConfig,
        seed: int,
        label: str,
        keep: str,
    ) -> Stage:
        references = {
            f"reference/{role}": self.reference(
                start, rows, config, hidden=role in method.needs_reference_hidden
            )
            for role, rows in roles.items()
            if role in method.needs_reference_hidden
            or (method.needs_reference and role != "retain")
        }
        reward = self.reward(method)
        spec = self.lab.text_spec(config) | {
            "method": method.name,
            "settings": jsonable(method.config),
            "source": self.lab.registry.source_digest(type(method), method.modules),
            "train": {k: v for k, v in asdict(config).items() if k != "micro_batch"},
            "seed": seed,
            "roles": {role: self.digests.of(rows) for role, rows in roles.items()},
            "epoch": start.epoch,
            "keep": keep,
        }
        if reward.spec is not None:
            spec["reward"] = reward.spec
        return Stage(
            "train",
            spec,
            train_stage.training(
                self.lab, start, method, roles, config, seed, label, keep, reward.open
            ),
            {"start": start.stage, **references, **inputs_of(*roles.values()), **reward.inputs},
            label=label,
        )

    def reference(self, start: Model, rows: Rows, config: TrainConfig, *, hidden: bool) -> Stage:
        """Log-probabilities (and last hidden states) of the starting model on training rows."""
        spec = self.lab.text_spec(config) | {
            "rows": self.digests.of(rows),
            "hidden": hidden,
            "epoch": start.epoch,
        }
        build = reference_stage.referencing(self.lab, start, rows, config, hidden)
        inputs = {"model": start.stage, **inputs_of(rows)}
        return Stage("reference", spec, build, inputs, label="reference")

    def respond(self, model: Model, method: Method[Any] | None, label: str) -> Stage:
        """A model's answers to the benchmark's requests."""
        return self._ask(model, method, self.requests, f"answers of {label}")

    def _ask(
        self, model: Model, method: Method[Any] | None, requests: Sequence[Request], label: str
    ) -> Stage:
        """Anybody's answers to any requests. UserError: the engine cannot be given that model."""
        if self.lab.engine.serves_one_model and model != self.base:
            name = self.lab.config.engine
            raise DoesNotFit(
                f"engine {name!r} answers from the one model that its endpoint serves, but {label} has weights "
                "that this run makes: use --engine hf or vllm, or only methods that ask the base model"
            )
        own = method if method is not None and type(method).respond is not Method.respond else None
        rows = {} if own is None or own.trains else self._rows(own)
        reward = self.reward(own, model)
        spec = self.lab.text_spec(self.lab.config.train) | {
            "requests": self.digests.of(requests),
            "engine": self.lab.engine_identity(),
            "epoch": model.epoch,
            "answering": None if own is None else self._answering(own, rows, reward),
        }
        prepare = answers.preparing(own, rows, reward.open)
        build = answers.responding(self.lab, model, own, requests, label, prepare)
        inputs = {"model": model.stage, **inputs_of(*rows.values()), **reward.inputs}
        return Stage("respond", spec, build, inputs, label=label)

    def _answering(self, method: Method[Any], rows: Mapping[str, Rows], reward: RewardUse) -> Json:
        """What determines the answers of a method that answers in its own way."""
        return {
            "method": method.name,
            "settings": jsonable(method.config),
            "source": self.lab.registry.source_digest(type(method)),
            "roles": {role: self.digests.of(given) for role, given in rows.items()},
            "reward": reward.spec,
        }

    def kl(self, model: Model, responses: Stage, label: str) -> Stage:
        """Sequence KL(policy || starting model) of a model's sampled answers."""
        spec = self.lab.text_spec(self.lab.config.train) | {
            "epoch": model.epoch,
            "reference_epoch": self.first.epoch,
        }
        build = kl_stage.diverging(self.lab, model, self.first, self.requests, label)
        inputs = {"responses": responses, "model": model.stage, "reference": self.first.stage}
        return Stage("kl", spec, build, inputs, label=f"KL of {label}")

    def score(self, model: Model, method: Method[Any] | None, label: str) -> Stage:
        """Per-item scores and metrics of a model."""
        inputs = {"responses": self.respond(model, method, label)}
        if self.benchmark.measures_kl and (
            method is None or type(method).respond is Method.respond
        ):
            inputs["kl"] = self.kl(model, inputs["responses"], label)
        if self.judging is not None:
            inputs |= {
                "verdicts": self.judging.verdicts(inputs["responses"], label),
                "canary": self.judging.canary,
            }
        baseline = self.benchmark.baseline
        if baseline is not None and baseline in self.data.starts:
            inputs["baseline"] = self.respond(self.start(baseline).final, None, baseline)
        spec = self._benchmark_spec()
        if self.judging is not None:
            spec["prices"] = self.judging.prices
        if (
            type(self.benchmark).score_method is not TextBenchmark.score_method
            and method is not None
        ):
            spec["method"] = {"method": method.name, "settings": jsonable(method.config)}
            spec["method_source"] = self.lab.registry.source_digest(type(method), method.modules)
        judge = self.judging.judge if self.judging is not None else None
        build = scoring.scoring(self.benchmark, self.data, self.requests, method, judge)
        return Stage("score", spec, build, inputs, label=f"score {label}")

    def _benchmark_spec(self) -> dict[str, Json]:
        """What determines that which the benchmark itself computes."""
        spec: dict[str, Json] = {
            "benchmark": self.benchmark.name,
            "settings": jsonable(self.benchmark.config),
            "source": self.lab.registry.source_digest(type(self.benchmark)),
            "data": self.data_digest,
        }
        truth = self.benchmark.reward(self.data)
        return spec if truth is None else {**spec, "reward": truth.identity()}

    @cached_property
    def data_digest(self) -> str:
        """Digest of everything that the benchmark read."""
        roles: dict[str, Json] = {
            role: self.digests.of(rows) for role, rows in self.data.roles.items()
        }
        starts: dict[str, Json] = {
            name: self.digests.of(rows) for name, rows in self.data.starts.items()
        }
        sets: dict[str, Json] = {
            name: digest(jsonable(list(items))) for name, items in self.data.sets.items()
        }
        return digest({"roles": roles, "starts": starts, "sets": sets})
