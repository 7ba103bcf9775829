"""The stages of a language-model benchmark, from the base model to a cell's scores.

    base ─ start (target, retrain) ─ reference log-probabilities ─ train (method) ─ respond ─ score

A stage's key follows from its configuration, its code and the keys of what it reads, so everything
that two methods share (start models, reference values, baseline answers) is one stage, computed
once. Nothing here runs anything: `Store.ensure` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from suite.api.benchmark import TextBenchmark
from suite.api.judge import Rewards
from suite.api.method import Method
from suite.api.requests import Request
from suite.api.verdicts import ANSWER
from suite.config import split_spec
from suite.core.errors import DoesNotFit, UserError
from suite.judges.judging import Judging, make_judge
from suite.plan.reading import Reading
from suite.plan.training import Training
from suite.stages.handles import Model, RewardUse, Trained
from suite.stages.responses import BASELINE
from suite.stages.rows import Rows, inputs_of
from suite.store import Json, Stage, jsonable


class TextStages(Training):
    """Makes the stages of one benchmark, split, model and start seed."""

    def __init__(self, reading: Reading, start_seed: int = 0) -> None:
        super().__init__(reading, start_seed)
        self.every_start: tuple[TextStages, ...] = (self,)
        """This and its siblings of the run's other start seeds."""

    @classmethod
    def of_seeds(cls, reading: Reading, seeds: Sequence[int]) -> tuple[TextStages, ...]:
        """The stages of each start seed, which know each other."""
        made = tuple(cls(reading, seed) for seed in seeds)
        for stages in made:
            stages.every_start = made
        return made

    @cached_property
    def sampled(self) -> Stage:
        """Rows made of the starting model's answers."""
        wanted = self.reading.sampling_requests
        inputs = {"responses": self._ask(self.first, None, wanted, "samples of the starting model")}
        spec = self.reading.benchmark_spec()
        return self.context.stage("roles", spec, inputs, label="training rows from samples")

    def respond(
        self,
        model: Model,
        method: Method[Any] | None,
        label: str,
        requests: Sequence[Request] | None = None,
    ) -> Stage:
        """A model's answers, by default to the benchmark's requests."""
        asked = self.requests if requests is None else requests
        return self._ask(model, method, asked, f"answers of {label}")

    def _ask(
        self, model: Model, method: Method[Any] | None, requests: Sequence[Request], label: str
    ) -> Stage:
        """Anybody's answers to any requests. UserError: the engine cannot be given that model."""
        is_base = (model.stage.key, model.epoch) == (self.base.stage.key, self.base.epoch)
        if self.context.engine.serves_one_model and not is_base:
            name = self.context.engine_name
            raise DoesNotFit(
                f"engine {name!r} answers from the one model that its endpoint serves, but "
                f"{label} has weights "
                "of its own: use --engine hf or vllm, or only methods that ask the base "
                "model"
            )
        own = method if method is not None and answers_itself(method) else None
        rows = {} if own is None or own.trains else self.rows_of(own)
        reward = self.reward(own, model)
        spec = self.context.text_spec(self.context.config.train) | {
            "requests": self.context.materials.add(requests),
            "engine": self.context.engine_identity(),
            "epoch": model.epoch,
            "answering": None if own is None else self._answering(own, rows, reward),
        }
        inputs: dict[str, Stage | Model] = {
            "model": model,
            **inputs_of(*rows.values()),
            **reward.inputs,
        }
        return self.context.stage("respond", spec, inputs, label=label)

    def _answering(self, method: Method[Any], rows: Mapping[str, Rows], reward: RewardUse) -> Json:
        """What determines the answers of a method that answers in its own way."""
        return {
            "method": method.name,
            "settings": jsonable(method.config),
            "source": self.context.source_digest(type(method)),
            "roles": {role: self.rows_digest(given) for role, given in rows.items()},
            "reward": reward.spec,
        }

    def kl(self, model: Model, responses: Stage, label: str) -> Stage:
        """Sequence KL(policy || starting model) of a model's sampled answers."""
        spec = self.context.text_spec(self.context.config.train) | {
            "requests": self.context.materials.add(self.requests),
            "epoch": model.epoch,
            "reference_epoch": self.first.epoch,
        }
        inputs: dict[str, Stage | Model] = {
            "responses": responses,
            "model": model,
            "reference": self.first,
        }
        return self.context.stage("kl", spec, inputs, label=f"KL of {label}")

    def score(
        self,
        model: Model,
        method: Method[Any] | None,
        responses: Stage,
        verdicts: Stage | None,
        label: str,
        own: Mapping[str, Json] | None = None,
    ) -> Stage:
        """Per-item scores and metrics of a model, from its answers and what the judge said of
        them. `own`: data, requests and attack, where these are not the benchmark's."""
        inputs = {"responses": responses}
        if self.benchmark.measures_kl and (method is None or not answers_itself(method)):
            inputs["kl"] = self.kl(model, responses, label)
        if self.judging is not None and verdicts is not None:
            inputs |= {"verdicts": verdicts, "canary": self.judging.canary}
        inputs |= self._baselines(responses)
        spec = self.reading.benchmark_spec() | {
            "requests": self.context.materials.add(self.requests),
            "judge": self.judging.key if self.judging else None,
            "prices": self.judging.prices if self.judging else None,
            "method": self._scored_method(method),
            **(own or {}),
        }
        return self.context.stage("score", spec, inputs, label=f"score {label}")

    def _baselines(self, responses: Stage) -> dict[str, Stage]:
        """The baseline model's answers: of the own start, or of every start where the benchmark
        compares with all. A baseline model is compared with the others, if there are any."""
        name = self.benchmark.baseline
        if name is None or name not in self.starts:
            return {}
        known = [self.respond(trained.final, None, name) for trained in self.baselines(name)]
        others = [stage for stage in known if stage.key != responses.key]
        return {f"{BASELINE}/{i}": stage for i, stage in enumerate(others or known)}

    def baselines(self, name: str) -> list[Trained]:
        """The baseline models: of the own start, or of every start where all are compared with."""
        starts = self.every_start if self.benchmark.compares_every_start else (self,)
        found: list[Trained] = []
        for stages in starts:
            found += stages.every(name)
        return found

    def _scored_method(self, method: Method[Any] | None) -> Json:
        """The method, where the benchmark's scores depend on the method itself."""
        overridden = type(self.benchmark).score_method is not TextBenchmark.score_method
        if method is None or not overridden:
            return None
        source = self.context.registry.source_digest(type(method), method.modules)
        return {"method": method.name, "settings": jsonable(method.config), "source": source}

    @cached_property
    def judging(self) -> Judging | None:
        """How answers are compared, on a benchmark that is judged."""
        if not self.benchmark.judged:
            return None
        rewards = Rewards(self.benchmark.reward(self.data), lambda: self.reward_model)
        judge = make_judge(self.context, rewards)
        questions = self.reading.questions
        return Judging(self.context, judge, questions, self._rival(self.benchmark.against))

    def _rival(self, name: str) -> Stage | None:
        """The answers that others are compared with; None: those that the data bring."""
        if name == ANSWER:
            return None
        if name in self.starts.names:
            trained = self.start(name)
        else:
            try:
                cls = self.context.registry.method(split_spec(self.context.registry, name)[0])
            except UserError as error:
                raise UserError(f"{self.benchmark.name}.against: {error}") from None
            own, training = self.settings(name)
            trained = self.method(cls(own), training, 0, name)
        return self.respond(trained.final, trained.method, name)


def answers_itself(method: Method[Any]) -> bool:
    """Whether a method answers in a way of its own, instead of simply asking the model."""
    return type(method).respond is not Method.respond
