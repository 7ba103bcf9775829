"""Which stages judge the answers of one benchmark, and what that will cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suite.api.judge import Cost, Judge, Rewards, identity_of
from suite.api.verdicts import Question
from suite.config import judge_settings
from suite.core.errors import UserError
from suite.judges.asking import CANARY, CANARY_QUESTIONS, forecast, total
from suite.judges.prompts import criterion
from suite.store import Json, Stage, digest

if TYPE_CHECKING:
    from suite.stages.context import Context


def make_judge(context: Context, rewards: Rewards) -> Judge[Any]:
    """Make the run's judge. UserError: settings that cannot work."""
    judge = context.registry.judge(context.config.judge)
    return judge(judge_settings(context.config, context.registry), context, rewards)


@dataclass(frozen=True, eq=False)
class Judging:
    """The judge of one benchmark, and what is put to it."""

    context: Context
    judge: Judge[Any]
    questions: Sequence[Question]
    rival: Stage | None
    """The answers that candidates are compared with; None: the data's own."""

    def __post_init__(self) -> None:
        self.context.materials.put(self.key, self.judge)
        for question in self.questions:
            criterion(question.criterion)
            if self.rival is None and not question.reference.strip():
                raise UserError(f"{question.id}: no answer to compare with; name a rival model")

    @property
    def key(self) -> str:
        """Digest of what verdicts are found by; the judge itself is found under it."""
        return digest(identity_of(self.judge))

    def verdicts(self, responses: Stage, label: str) -> Stage:
        """The verdicts on one model's answers."""
        return self._stage(self.questions, {"responses": responses}, label)

    @cached_property
    def canary(self) -> Stage:
        """The verdicts on a constant answer; the same stage for all models."""
        return self._stage(
            self.questions[:CANARY_QUESTIONS], {}, "a constant answer", canary=CANARY
        )

    def _stage(
        self,
        questions: Sequence[Question],
        inputs: Mapping[str, Stage],
        label: str,
        canary: str = "",
    ) -> Stage:
        spec: dict[str, Json] = {
            "judge": identity_of(self.judge),
            "questions": self.context.materials.add(questions),
            "canary": canary,
        }
        rival = {} if self.rival is None else {"rival": self.rival}
        own = {f"judge/{name}": stage for name, stage in self.judge.inputs().items()}
        return self.context.stage(
            "judge",
            spec,
            {**inputs, **rival, **own},
            label=f"verdicts on {label}",
            # A judge that is paid for has a revision, which stands for all code: see
            # `Judge.revision`.
            coded=self.judge.revision is None,
        )

    def forecast(self, keys: Iterable[str]) -> Cost:
        """Estimate what the stages of these keys will cost."""
        per_model = forecast(self.judge, self.questions)
        canary = forecast(self.judge, self.questions[:CANARY_QUESTIONS])
        costs = [canary if key == self.canary.key else per_model for key in keys]
        return total(self.judge, costs)

    @property
    def prices(self) -> list[Json]:
        """US dollars per million tokens, in and out: what scores depend on beside the verdicts."""
        return [self.judge.price(10**6, 0), self.judge.price(0, 10**6)]

    def notes(self) -> list[str]:
        """What a reader must know of the judge: its instructions, the canary."""
        notes: list[str] = []
        for name in dict.fromkeys(question.criterion for question in self.questions):
            instructions = self.judge.instructions(name)
            if instructions:
                notes.append(f"judge's instructions {instructions}")
        notes.append(
            f"canary: the constant answer {CANARY!r}, judged like a candidate on the first "
            f"{CANARY_QUESTIONS} prompts"
        )
        return notes
