"""What all stages of one run have in common: settings, plugins, device, precision, the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from suite import models
from suite.config import engine_settings
from suite.engines import Engine
from suite.progress import Progress, Silent
from suite.settings import RunConfig, TrainConfig
from suite.store import Json, Store, default_root
from suite.texts import Encoder

if TYPE_CHECKING:
    from suite.registry import Registry


@dataclass
class Lab:
    """Shared by the stages of a run; models and engine are loaded when first needed."""

    config: RunConfig
    registry: Registry
    progress: Progress = field(default_factory=Silent)
    on_step: Callable[[int, Mapping[str, float]], None] = lambda step, metrics: None

    @cached_property
    def device(self) -> str:
        """Where tensors live."""
        return models.pick_device(self.config.device)

    @cached_property
    def dtype(self) -> str:
        """Precision of forward passes."""
        return models.pick_dtype(self.config.dtype, self.device, self.config.model)

    @cached_property
    def store(self) -> Store:
        """Where finished stages lie."""
        return Store(Path(self.config.store) if self.config.store else default_root())

    def text_spec(self, config: TrainConfig) -> dict[str, Json]:
        """The part of a key that says how texts become numbers."""
        return {
            "template": self.config.template,
            "max_length": config.max_length,
            "dtype": self.dtype,
            "attention": models.ATTENTION,
        }

    def encoder(self, folder: Path, config: TrainConfig) -> Encoder:
        """Tokenizer and template of a model folder; texts longer than its context are refused."""
        return models.load_encoder(folder, self.config.template, config.max_length)

    def engine_identity(self) -> dict[str, Json]:
        """Who answers, as it enters keys."""
        source = self.registry.source_digest(type(self.engine))
        return {**self.engine.identity(), "source": source}

    @cached_property
    def engine(self) -> Engine:
        """The one engine of this run; it starts when it first loads a model."""
        return self.registry.engine(self.config.engine)(
            device=self.device,
            dtype=self.dtype,
            template=self.config.template,
            max_length=self.config.train.max_length,
            config=engine_settings(self.config, self.registry),
        )
