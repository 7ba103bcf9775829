"""A language model on this machine judges by the log-probabilities of two letters.

    suite run --bench win_rate --judge local --set judge_local.model=FOLDER

The model is asked, through any engine, for one letter; whichever of A and B is likelier wins.
Nothing is sampled or parsed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from suite import hookimpl
from suite.api.engine import Engine
from suite.api.judge import Comparison, Judge, Rewards, Verdict
from suite.api.requests import Request, Response, ScoreText, TextScore
from suite.api.stages import Host
from suite.core.errors import UserError
from suite.judges.length import by_value
from suite.judges.prompts import CRITERIA, LETTER, instructions, request
from suite.ranges import Count, FileOrName
from suite.stages.base_model import imported
from suite.store import Json, Stage, digest

CHUNK = 32
"""Comparisons answered together, between two verdicts that are kept."""


@dataclass(frozen=True)
class LocalConfig:
    """Settings of the judge."""

    model: FileOrName = ""
    """The judging model: hub id, local folder or .gguf file."""
    engine: str = "hf"
    """Who computes its log-probabilities."""
    template: str = "chat"
    """`chat`: its tokenizer's chat template; or a text holding {prompt}."""
    max_length: Count = 4096
    """Longest request, tokens; a longer one is an error."""


class Local(Judge[LocalConfig]):
    """A causal language model, through any engine: the likelier of the letters A and B wins."""

    name = "local"
    Config = LocalConfig

    def __init__(self, config: LocalConfig, context: Host, rewards: Rewards | None = None) -> None:
        super().__init__(config, context, rewards)
        if not config.model:
            raise UserError("judge local: name the judging model: --set judge_local.model=FOLDER")

    @cached_property
    def _context(self) -> Host:
        """The run's surroundings, with the judge's model and engine."""
        own = self.config
        training = replace(self.context.config.train, max_length=own.max_length)
        config = replace(
            self.context.config,
            model=own.model,
            engine=own.engine,
            template=own.template,
            pad_token=None,
        )
        return self.context.with_config(replace(config, train=training))

    @cached_property
    def _engine(self) -> Engine:
        return self._context.engine

    def identity(self) -> dict[str, Json]:
        """The engine, the template, the wording; the model is an input of the stage."""
        told = [instructions(name, LETTER) for name in CRITERIA]
        own: dict[str, Json] = {
            "template": self.config.template,
            "max_length": self.config.max_length,
        }
        return {
            **own,
            "model": self.inputs()["model"].key,
            "engine": self._engine.identity(),
            "told": digest(told),
        }

    def inputs(self) -> Mapping[str, Stage]:
        """The judging model, brought to the form that engines read."""
        return {"model": self._model}

    @cached_property
    def _model(self) -> Stage:
        return imported(self._context, self.config.model, "judge_local.model").stage

    def open(self, folders: Mapping[str, Path]) -> None:
        """Load the model."""
        self._engine.load(folders["model"])

    def compare(self, comparisons: Sequence[Comparison]) -> Iterator[Verdict]:
        """Compare log-probabilities; equal ones tie."""
        for start in range(0, len(comparisons), CHUNK):
            chunk = comparisons[start : start + CHUNK]
            wanted: list[Request] = []
            for each in chunk:
                prompt = request(each, LETTER)
                for letter in "AB":
                    wanted.append(ScoreText(f"{each.id}/{letter}", prompt, letter))
            found = {response.id: _letter(response) for response in self._engine.respond(wanted)}
            for each in chunk:
                yield _verdict(each, found[f"{each.id}/A"], found[f"{each.id}/B"])

    def describe(self) -> str:
        """Name the model."""
        return f"local {Path(self.config.model).name} ({self.config.engine})"

    def instructions(self, criterion: str) -> str:
        """All that the model is told."""
        return instructions(criterion, LETTER)


def _verdict(comparison: Comparison, first: float, second: float) -> Verdict:
    """The likelier letter wins; there is no verdict if the model has diverged."""
    if not (math.isfinite(first) and math.isfinite(second)):
        return Verdict(comparison.id, None, "log-probability not finite")
    return by_value(comparison, first, second)


def _letter(response: Response) -> float:
    """Log-probability of the letter, without the end of the sequence after it."""
    return math.fsum(TextScore.of(response).token_logps[:-1])


@hookimpl
def suite_judges() -> list[type[Judge[Any]]]:
    """Register the judge."""
    return [Local]
