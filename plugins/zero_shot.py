"""Zero-shot prompting: the base model answers, before any fine-tuning.

A baseline of DPO's paper, arXiv 2305.18290.

    request   Who wrote 1984?
    asked     <instruction>

              Who wrote 1984?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from suite import Engine, Message, Method, Request, Response, UntrainedMethod, hookimpl


@dataclass(frozen=True)
class ZeroShotConfig:
    """What the model is told before the request."""

    instruction: str = ""
    """Put before the first message, with an empty line between; empty: the bare request."""


class ZeroShot(UntrainedMethod[ZeroShotConfig]):
    """The base model, asked without examples."""

    name = "zero_shot"
    answered_by = "base"
    Config = ZeroShotConfig

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Ask with the instruction in front."""
        asked = [replace(request, prompt=self._prompt(request.prompt)) for request in requests]
        return engine.respond(asked)

    def _prompt(self, prompt: tuple[Message, ...]) -> tuple[Message, ...]:
        """The prompt with the instruction in its first message."""
        if not self.config.instruction:
            return prompt
        first, *others = prompt
        return (Message(first.role, f"{self.config.instruction}\n\n{first.content}"), *others)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [ZeroShot]
