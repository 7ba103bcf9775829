"""What all stages of one run have in common: settings, plugins, device, precision, the engine, what
planning read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.attack import Attack
from suite.api.data import Given
from suite.api.engine import Engine
from suite.api.method import Method
from suite.api.reward import Reward
from suite.api.stages import StageKind
from suite.config import engine_of, engine_settings, row_name, smallest_lr
from suite.core.errors import unknown
from suite.core.progress import Progress, Silent
from suite.engines.choice import pick_engine
from suite.model import folder as models
from suite.model import hardware
from suite.model.encoding import Encoder
from suite.settings import RunConfig, TrainConfig
from suite.stages.endings import noted
from suite.stages.handles import Model, part_of
from suite.stages.materials import Materials
from suite.stages.rows import INPUT, read_rows
from suite.stages.unchanged import unchanged
from suite.store import Build, Json, Stage, Store, default_root, jsonable

if TYPE_CHECKING:
    from suite.registry import Registry


def _nobody(build: Build, context: Context) -> None:
    raise LookupError(f"{build.stage}: nobody here computes a stage in shards")


@dataclass
class Context:
    """Shared by the stages of a run; models and engine are loaded when first needed."""

    config: RunConfig
    registry: Registry
    progress: Progress = field(default_factory=Silent)
    kinds: Mapping[str, StageKind] = field(default_factory=dict)
    """Who computes what; see `suite.run.kinds`."""
    spread: Callable[[Build, Context], None] = _nobody
    """Who computes a stage by several processes; see `suite.run.shards`."""
    materials: Materials = field(default_factory=Materials)
    verdicts: dict[str, dict[str, Json]] = field(default_factory=dict)
    """Verdicts of this run, by key: equal answers of several models are judged once."""

    def stage(
        self,
        kind: str,
        spec: Mapping[str, Json],
        inputs: Mapping[str, Stage | Model] | None = None,
        *,
        label: str = "",
        resources: Mapping[str, Json] | None = None,
        coded: bool = True,
    ) -> Stage:
        """Describe a stage. `coded`: its key holds the code of the kind's builder. UserError: no
        such kind.

        Of an input that is given as a `Model`, only that model's folder has to be there.
        """
        module = self._kind(kind).module
        code = (module,) if coded else ()
        stages: dict[str, Stage] = {}
        reads: dict[str, str] = {}
        for name, given in (inputs or {}).items():
            stages[name] = given.stage if isinstance(given, Model) else given
            if isinstance(given, Model) and given.epoch is not None:
                reads[name] = part_of(given.epoch)
        return Stage(kind, spec, stages, code, label, resources or {}, reads)

    def build(self, build: Build) -> None:
        """Compute a stage, whatever its kind: what a store is given."""
        # Engines may set threads for themselves, outside tools may do more; methods, benchmarks
        # and judges may not.
        alone = build.stage.kind in ("train", "score", "experiment")
        guarded = alone or build.stage.kind in ("respond", "judge", "roles")
        same = unchanged(str(build.stage), threads=alone) if guarded else nullcontext()
        with noted(build, self._plugin_of(build.spec)), same:
            if build.shards > 1:
                self.spread(build, self)
            else:
                self.compute(build)

    def compute(self, build: Build) -> None:
        """Compute a stage, or a shard's part of it, in this process."""
        self._kind(build.stage.kind).build(build, self)

    def _plugin_of(self, spec: Mapping[str, Any]) -> str:
        """Which plugin offers the method that a stage runs, as the beginning of a message."""
        given = spec.get("method") or spec.get("answering")
        name = given["method"] if isinstance(given, Mapping) else given
        return self.registry.name_plugin(self.registry.method_of_stage(name)) if name else ""

    def _kind(self, name: str) -> StageKind:
        if name not in self.kinds:
            raise unknown("kind of stage", name, self.kinds)
        return self.kinds[name]

    def method(self, spec: Mapping[str, Any]) -> Method[Any]:
        """A fresh method, of `method` and `settings` in a stage's spec."""
        return _made(self.registry.method_of_stage(spec["method"]), spec["settings"])  # type: ignore[no-any-return]

    def benchmark(self, spec: Mapping[str, Any]) -> Any:
        """A fresh benchmark, of `benchmark` and `settings` in a stage's spec.

        Which of their base classes it has follows from the kind of the stage.
        """
        return _made(self.registry.benchmark(spec["benchmark"]), spec["settings"])

    def attack(self, spec: Mapping[str, Any]) -> Attack[Any]:
        """A fresh attack, of `attack` and `settings` in a stage's spec."""
        return _made(self.registry.attack(spec["attack"]), spec["settings"])  # type: ignore[no-any-return]

    def rows(self, build: Build, role: str, digest: str | None) -> Given:
        """The training rows of a role; without a digest, those that the stage `roles` made."""
        if digest is None:
            return read_rows(build.inputs[INPUT], role)
        found: Given = self.materials[digest]
        return found

    def reward(self, build: Build, spec: Mapping[str, Any] | None) -> Reward | None:
        """The reward that a stage's spec names (see `suite.plan.rewards`); None if it names
        none."""
        from suite.stages.trained_reward import open_reward

        if spec is None:
            return None
        if "truth" in spec:
            truth: Reward = self.materials[spec["truth"]]
            return truth
        return open_reward(build, self, spec["epoch"])

    def row(self, spec: str) -> str:
        """What the table calls a method; `spec` as in --methods."""
        return row_name(self.registry, spec)

    @cached_property
    def device(self) -> str:
        """Where tensors live."""
        return hardware.pick_device(self.config.device)

    @cached_property
    def dtype(self) -> str:
        """Precision of forward passes."""
        return self._precision[0]

    @property
    def dtype_reason(self) -> str:
        """Why `--dtype auto` chose it; "" if it was named."""
        return self._precision[1]

    @cached_property
    def _precision(self) -> tuple[str, str]:
        config = self.config
        lr = smallest_lr(config, self.registry) if config.dtype == "auto" else 0.0
        return hardware.pick_dtype(config.dtype, self.device, config.model, lr)

    @cached_property
    def store(self) -> Store:
        """Where finished stages lie; what is missing is built here."""
        return Store(store_root(self.config), builder=self.build)

    def source_digest(self, cls: type[Any]) -> str:
        """Digest of the code of a plugin's class and of what it imports."""
        return self.registry.source_digest(cls)

    def with_config(self, config: RunConfig) -> Context:
        """The same plugins and progress under other settings."""
        return Context(config, self.registry, self.progress, self.kinds, self.spread)

    def text_spec(self, config: TrainConfig) -> dict[str, Json]:
        """The part of a key that says how texts become numbers."""
        return {
            "template": self.config.template,
            "max_length": config.max_length,
            "dtype": self.dtype,
            "attention": hardware.ATTENTION,
        }

    def encoder(self, folder: Path, config: TrainConfig, section: str = "train") -> Encoder:
        """Tokenizer and template of a model folder; texts longer than its context are refused.

        `section`: where `config` is set.
        """
        setting = f"{section}.max_length"
        return models.load_encoder(folder, self.config.template, config.max_length, setting)

    def engine_identity(self) -> dict[str, Json]:
        """Who answers, as it enters keys."""
        source = self.registry.source_digest(type(self.engine))
        return {**self.engine.identity(), "source": source}

    @property
    def engine_name(self) -> str:
        """Who answers: what `--engine auto` became, or the engine that was named."""
        return engine_of(self.config)

    @property
    def engine_reason(self) -> str:
        """Why `--engine auto` chose it, and how to get the other; "" if it was named."""
        return pick_engine(self.config.engine, self.device, self.config.model)[1]

    @cached_property
    def engine(self) -> Engine:
        """The one engine of this run; it starts when it first loads a model."""
        return self.registry.engine(self.engine_name)(
            device=self.device,
            dtype=self.dtype,
            template=self.config.template,
            max_length=self.config.train.max_length,
            config=engine_settings(self.config, self.registry),
        )


def store_root(config: RunConfig) -> Path:
    """The folder of the store that a configuration names; by default the user's."""
    return (Path(config.store) if config.store else default_root()).expanduser().absolute()


def _made(cls: Any, settings: Mapping[str, Json]) -> Any:
    """An object of a plugin's class with the settings that a spec holds as JSON."""
    from pydantic import TypeAdapter

    config = TypeAdapter(cls.Config).validate_python(dict(settings))
    assert jsonable(config) == settings, f"{cls.__name__}.Config does not survive JSON: {settings}"
    return cls(config)
