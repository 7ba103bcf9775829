"""Which stages judge the answers of one benchmark, and what that will cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from suite.config import judge_settings
from suite.errors import UserError
from suite.judged import Question
from suite.judges import Cost, Judge, Rewards, identity_of
from suite.judges.asking import CANARY, CANARY_QUESTIONS, asking, forecast, total
from suite.judges.prompts import criterion
from suite.store import Json, Stage, digest

if TYPE_CHECKING:
    from suite.lab import Lab


def make_judge(lab: Lab, rewards: Rewards) -> Judge[Any]:
    """Make the run's judge. UserError: settings that cannot work."""
    judge = lab.registry.judge(lab.config.judge)
    return judge(judge_settings(lab.config, lab.registry), lab, rewards)


@dataclass(frozen=True, eq=False)
class Judging:
    """The judge of one benchmark, and what is put to it."""

    judge: Judge[Any]
    questions: Sequence[Question]
    rival: Stage | None
    """The answers that candidates are compared with; None: the data's own."""

    def __post_init__(self) -> None:
        for question in self.questions:
            criterion(question.criterion)
            if self.rival is None and not question.reference.strip():
                raise UserError(f"{question.id}: no answer to compare with; name a rival model")

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
            "questions": digest([asdict(question) for question in questions]),
            "canary": canary,
        }
        rival = {} if self.rival is None else {"rival": self.rival}
        own = {f"judge/{name}": stage for name, stage in self.judge.inputs().items()}
        build = asking(self.judge, questions, label)
        # A judge that is paid for has a revision, which stands for all code: see `Judge.revision`.
        code = None if self.judge.revision is None else ()
        read = {**inputs, **rival, **own}
        return Stage("judge", spec, build, read, code, f"verdicts on {label}")

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
