"""A method under test: how it is made, and which kind of method it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from suite.api.data import Item
from suite.api.method import Method
from suite.config.fields import settings_of
from suite.core.errors import UserError
from suite.testing.rules import Broken, DoesNotApply
from suite.testing.texts import ROWS, rows, text
from suite.testing.trial import Trial, start
from suite.train.online import OnlineMethod

MOVED = 0.1
"""How far weights are moved, as a share of their mean size."""
SHORT_ANSWERS = 6
"""Tokens of an answer that an online method samples."""


@dataclass
class MethodUnderTest:
    """A method's class with the settings to test it with."""

    cls: type[Method[Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The method's name."""
        return self.cls.name

    @property
    def samples(self) -> bool:
        """Whether it learns from answers that it samples itself."""
        return issubclass(self.cls, OnlineMethod)

    @property
    def rows(self) -> dict[str, list[Item]]:
        """Rows for every role that it declares, those of a benchmark of its own too."""
        known = rows()
        found: dict[str, list[Item]] = {}
        for role in self.cls.roles:
            own: list[Item] = [text(f"{role}/{i}") for i in range(ROWS)]
            found[role] = known.get(role, own)
        return found

    def make(self, **more: Any) -> Method[Any]:
        """An instance. Broken: its settings do not allow one."""
        settings = {**self.settings, **more}
        if self.samples and "max_new_tokens" in settings_of(self.cls.Config):
            settings.setdefault("max_new_tokens", SHORT_ANSWERS)
        try:
            return self.cls(self.cls.Config(**settings))
        except (UserError, ValueError) as error:
            raise Broken(
                f"its settings do not allow an instance: {error}",
                f"defaults that work, or settings to check it with: --set {self.name}.NAME=VALUE",
            ) from None

    def start(
        self,
        given: Mapping[str, Sequence[Item]] | None = None,
        *,
        method: Any = None,
        **options: Any,
    ) -> Trial:
        """Let it begin, on the kit's rows or on those given; see `suite.testing.trial.start`."""
        return start(method or self.make(), given or self.rows, **options)

    def away(self, place: int = 0, **options: Any) -> Trial:
        """The same away from the start, where some gradients vanish and some losses have corners.

        `place`: the seed of the direction in which the weights are moved.
        """
        trial = self.start(**options)
        move(trial, place)
        trial.state.max_grad_norm = 0.0  # the next gradient is compared as it is
        return trial

    def must_train(self) -> None:
        """DoesNotApply: it trains nothing."""
        if not self.cls.trains:
            raise DoesNotApply("it trains nothing")

    def must_read_given_rows(self) -> None:
        """DoesNotApply: its loss is no function of given rows."""
        self.must_train()
        if self.samples:
            raise DoesNotApply("it learns from answers that it samples itself")


@torch.no_grad()
def move(trial: Trial, place: int) -> None:
    """Move the trained weights a little, in a direction drawn at random."""
    generator = torch.Generator().manual_seed(place)
    for parameter in trial.state.parameters:
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.requires_grad:
            parameter.add_(noise, alpha=MOVED * float(parameter.abs().mean()))
