"""Methods with one mistake each, and what the conformance kit must say of it."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any

import torch

from suite import LossOutput, Method, PairedMethod
from suite.toolkit import decoder_of, head_of


@dataclass(frozen=True)
class Settings:
    """Settings that are in order."""

    beta: float = 0.1
    """Inverse temperature, 1 / nats."""


@dataclass(frozen=True)
class UndocumentedSettings:
    """Nobody knows what beta is."""

    beta: float = 0.1


@dataclass
class ChangeableSettings:
    """Settings that are not frozen."""

    beta: float = 0.1
    """Inverse temperature, 1 / nats."""


class Sound(Method[Settings]):
    """NPO in its plainest form: every mistake below is made in this."""

    name = "sound"
    family = "unlearning"
    roles = frozenset({"forget"})
    needs_reference = True
    Config = Settings

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        forget = batch["forget"]
        return LossOutput(forget.mean(self.per_example(policy(forget).logps, forget)))

    def per_example(self, logps: Any, forget: Any) -> Any:
        ratio = self.config.beta * (logps - forget.reference_logps)
        return -torch.nn.functional.logsigmoid(-ratio) * 2 / self.config.beta


class WrongSign(Sound):
    """Beta has the wrong sign."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        return -torch.nn.functional.logsigmoid(0.1 * (logps - forget.reference_logps))


class WrongSignOfPairs(PairedMethod[Settings]):
    """DPO with the wrong sign of beta."""

    name = "wrong_sign_of_pairs"
    Config = Settings

    def pair_loss(self, pairs: Any) -> Any:
        chosen, rejected = pairs.logratios
        return -torch.nn.functional.logsigmoid(-self.config.beta * (chosen - rejected))


class MeanOverMicroBatch(Sound):
    """A mean over the micro-batch where a share of the step's mean is meant."""

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        forget = batch["forget"]
        return LossOutput(self.per_example(policy(forget).logps, forget).mean())


class LeaksThroughPadding(Method[Settings]):
    """Hidden states of padding count too."""

    name = "leaks_through_padding"
    family = "unlearning"
    roles = frozenset({"forget"})
    Config = Settings

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        forget = batch["forget"]
        hidden = decoder_of(policy.model)(**forget.inputs_for(policy.model)).last_hidden_state
        spread = torch.square(hidden).sum((1, 2)).mean()
        return LossOutput(forget.mean(policy(forget).logps) + 1e-3 * spread)


class LearnsThePrompt(Sound):
    """Cross-entropy on every token, those of the prompt too."""

    needs_reference = False

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        forget = batch["forget"]
        inputs = forget.inputs_for(policy.model)
        hidden = decoder_of(policy.model)(**inputs).last_hidden_state
        logps = head_of(policy.model)(hidden)[:, :-1].log_softmax(-1)
        ids = inputs["input_ids"][:, 1:, None]
        return LossOutput(logps.gather(2, ids).sum() / forget.step_sequences)


class UsesGlobalRandomNumbers(Sound):
    """Noise from Python's global generator."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        return super().per_example(logps, forget) * (1 + random.random())


class ChangesTheBatch(Sound):
    """Lengths are changed in place."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        loss = super().per_example(logps, forget)
        forget.lengths.clamp_(max=2)
        return loss


class NoGradient(Sound):
    """The loss is a number."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        return super().per_example(logps.detach(), forget)


class NeverDescends(Sound):
    """A gradient, but not of the policy."""

    def begin(self, state: Any, roles: Any) -> None:
        self.weight = torch.nn.Parameter(torch.ones(()))

    def per_example(self, logps: Any, forget: Any) -> Any:
        return self.weight * super().per_example(logps.detach(), forget)


class GradientIntoTheReference(Sound):
    """A copy of the starting model that is not frozen."""

    needs_reference = False

    def begin(self, state: Any, roles: Any) -> None:
        self.copy = copy.deepcopy(state.policy)

    def per_example(self, logps: Any, forget: Any) -> Any:
        return logps - self.copy(forget).logps


class PolicyAsReference(Sound):
    """The reference is the policy itself, so nothing ever changes between the two."""

    needs_reference = False

    def begin(self, state: Any, roles: Any) -> None:
        self.reference = state.policy

    def per_example(self, logps: Any, forget: Any) -> Any:
        with torch.no_grad():
            reference = self.reference(forget).logps
        return logps - reference


class DividesByLengthLessOne(Sound):
    """Answers of one token are divided by nothing."""

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        forget = batch["forget"]
        scored = policy(forget)
        mask = (forget.lengths > 1).float()
        few = mask * scored.logps / forget.lengths + forget.reference_logps * 0
        return LossOutput(forget.mean(few) * mask.sum() / mask.sum())


class AsksForAnUndeclaredRole(Sound):
    """It reads retain, which it does not declare."""

    def loss(self, policy: Any, batch: Any) -> LossOutput:
        return LossOutput(super().loss(policy, batch).loss - policy(batch["retain"]).logps.sum())


class DeclaresTooMuch(Sound):
    """It declares retain, which it never reads."""

    roles = frozenset({"forget", "retain"})


class NeverAsksTheReference(Sound):
    """It declares a reference and does without."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        return logps


class Undocumented(Sound):
    """A setting without a line of text."""

    Config = UndocumentedSettings


class Changeable(Sound):
    """Settings that can be changed."""

    Config = ChangeableSettings


class Forgetful(Sound):
    """A running mean that does not survive an interruption."""

    seen = 1.0

    def per_example(self, logps: Any, forget: Any) -> Any:
        self.seen += 1.0
        return super().per_example(logps, forget) * self.seen


class ByPlaceInTheBatch(Sound):
    """The first row of a batch counts more than the last."""

    batch_coupled = True

    def per_example(self, logps: Any, forget: Any) -> Any:
        weights = torch.arange(1.0, len(logps) + 1)
        return super().per_example(logps, forget) * weights


class ChangesTheDefaultDtype(Sound):
    """Every tensor made afterwards is of another type."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        torch.set_default_dtype(torch.float64)
        return super().per_example(logps, forget)


class RoundsInBfloat16(Sound):
    """Sums of bfloat16 numbers lose what differs."""

    def per_example(self, logps: Any, forget: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            logps = (logps * 1e3).to(torch.bfloat16).float() + 100.0
        return super().per_example(logps, forget)


SAID: dict[type[Any], tuple[str, str]] = {
    WrongSign: ("direction", "forget answers are more likely than before"),
    WrongSignOfPairs: ("direction", "is the sign of beta wrong"),
    MeanOverMicroBatch: (
        "accumulation",
        "in micro-batches of 1 row the gradient of a step is 6.00 times",
    ),
    LeaksThroughPadding: ("padding", "with another padding token the gradient is"),
    LearnsThePrompt: ("masked tokens", "predicts for tokens of prompts or padding"),
    UsesGlobalRandomNumbers: (
        "surroundings",
        "a step changes Python's random numbers of the whole process",
    ),
    ChangesTheBatch: ("step", "loss changed batch['forget'].lengths in place"),
    NoGradient: ("step", "its loss has no gradient"),
    NeverDescends: ("step", "no gradient reaches a weight"),
    GradientIntoTheReference: ("reference", "a gradient reaches"),
    PolicyAsReference: (
        "descent",
        "the reference is a copy of the starting model, not the policy itself",
    ),
    DividesByLengthLessOne: ("one token answers", "answers of one token: step 0: loss nan"),
    AsksForAnUndeclaredRole: (
        "step",
        "it asks the batch for 'retain', which `roles` does not declare",
    ),
    DeclaresTooMuch: ("roles", "`roles` declares 'retain', which no step reads"),
    NeverAsksTheReference: ("reference", "`needs_reference` is declared, but"),
    Undocumented: ("documented", "the setting 'beta' is not documented"),
    Changeable: ("settings", "expected: @dataclass(frozen=True)"),
    Forgetful: ("resuming", "the step behind an interruption has another gradient"),
    ByPlaceInTheBatch: ("order", "with its rows in another order a batch has"),
    ChangesTheDefaultDtype: ("surroundings", "a step changes torch's default dtype"),
    RoundsInBfloat16: ("bfloat16", "in bfloat16 and"),
}
"""Method -> the rule that it breaks, and a part of what is said."""
