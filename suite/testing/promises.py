"""Rules for methods: what a few steps of training must come to."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import torch

from suite.api.data import EncodedPair
from suite.core.errors import UserError
from suite.model.logprobs import LMPolicy
from suite.model.reference import References
from suite.testing.method import MethodUnderTest
from suite.testing.methods import METHOD
from suite.testing.model import fresh_model
from suite.testing.rules import Broken, DoesNotApply
from suite.testing.texts import PAD, cut_to_one_token, rows
from suite.testing.trial import Trial
from suite.train.sampling import micro_batches

RATE, STEPS = 3e-3, 8
"""Learning rate and steps of a short training."""
BF16_GAP = 0.25
"""Largest difference of the loss in bfloat16, as a share of the loss (or of 1 nat)."""


@METHOD.rule
def one_token_answers(method: MethodUnderTest) -> None:
    """Answers of a single token, the end of sequence, have a finite loss and gradient."""
    method.must_train()
    short = {"max_new_tokens": 1} if method.samples else {}
    try:
        trial = method.start(cut_to_one_token(method.rows), method=method.make(**short))
        trial.step()
    except UserError as error:
        raise DoesNotApply(f"it refuses them: {error}") from None
    except Broken as broken:
        raise Broken(
            f"answers of one token: {broken.seen}",
            "a finite loss: an empty answer is the end-of-sequence token alone, so nothing is "
            "divided by the number of tokens less one, and no spread is taken over one token",
        ) from None


@METHOD.rule
def bfloat16(method: MethodUnderTest) -> None:
    """Under bfloat16 autocast the loss is finite and near that in float32."""
    method.must_train()
    single = method.start().step()
    half = method.start(dtype="bfloat16").step()
    gap = abs(half.loss - single.loss)
    if not method.samples and gap > BF16_GAP * max(1.0, abs(single.loss)):
        raise Broken(
            f"the loss is {half.loss:.4g} in bfloat16 and {single.loss:.4g} in float32",
            "sums and logarithms in float32: what `policy(texts)` gives is float32 already",
        )


@METHOD.rule
def resuming(method: MethodUnderTest) -> None:
    """An interrupted training goes on as if it had not been interrupted."""
    method.must_train()
    trial = method.start()
    trial.step()
    try:
        state = json.loads(json.dumps(trial.method.state_dict()))
    except (TypeError, ValueError) as error:
        raise Broken(
            f"state_dict gives what JSON cannot hold: {error}", "numbers, texts, lists"
        ) from None
    modules = {"model": trial.policy.model, **trial.state.heads}
    weights = {name: copy.deepcopy(module.state_dict()) for name, module in modules.items()}
    trial.step()

    again = method.start()
    again.policy.model.load_state_dict(weights["model"])
    for name, head in again.state.heads.items():
        head.load_state_dict(weights[name])
    again.method.load_state_dict(state)
    again.state.step = trial.state.step - 1
    again.step()
    for name, gradient in trial.gradients.items():
        if name not in again.gradients or not torch.equal(gradient, again.gradients[name]):
            raise Broken(
                "the step behind an interruption has another gradient",
                "`state_dict` and `load_state_dict` keep all that one step leaves to the next",
            )


@METHOD.rule
def descent(method: MethodUnderTest) -> None:
    """A few steps lower the loss that they descend."""
    method.must_read_given_rows()
    trial = method.start(adam=RATE)
    state = copy.deepcopy(trial.method.state_dict())
    before = trial.loss()
    for _ in range(STEPS):
        trial.step()
    # The same objective again, whatever has become of a dual variable.
    trial.method.load_state_dict(state)
    after = trial.loss()
    if not after < before:
        raise Broken(
            f"{STEPS} steps at lr {RATE:g} take the loss from {before:.4g} to {after:.4g}",
            "a lower loss: the gradient is that of the loss, and the reference is a copy of the "
            "starting model, not the policy itself",
        )


@METHOD.rule
def direction(method: MethodUnderTest) -> None:
    """Training goes where the family promises: forget answers become less likely, demonstrations
    more likely, and a model that prefers the chosen answers has the lower loss."""
    method.must_read_given_rows()
    if "pairs" in method.cls.roles:
        _check_preference(method)
        return
    wanted = "demonstrations" if method.cls.family != "unlearning" else "forget"
    if wanted not in method.cls.roles:
        raise DoesNotApply(f"without the role {wanted!r} nothing is promised")
    trial = method.start(adam=RATE)
    before = _likelihood(trial, wanted)
    for _ in range(STEPS):
        trial.step()
    with trial.method.result(trial.state):
        after = _likelihood(trial, wanted)
    change = after - before
    if wanted == "forget" and not change < 0:
        raise Broken(
            f"after {STEPS} steps "
            f"forget answers are more likely than before, by {change:.3g} nats a token",
            "less likely answers: is a sign wrong, of beta or of the loss?",
        )
    if wanted == "demonstrations" and not change > 0:
        raise Broken(
            f"after {STEPS} steps demonstrations are less likely than before, "
            f"by {-change:.3g} nats a token",
            "more likely demonstrations: is the sign of the loss wrong?",
        )


@torch.no_grad()
def _likelihood(trial: Trial, role: str) -> float:
    """Mean log-probability per token; of forget answers less that of what replaces them."""
    (batch,) = trial.batches()
    parts: dict[str, Any] = dict(batch)
    own = trial.policy(parts[role]).mean_logps.mean()
    other = trial.policy(parts["alternate"]).mean_logps.mean() if "alternate" in parts else 0.0
    return float(own - other)


def _check_preference(method: MethodUnderTest) -> None:
    """Broken: where the model has learnt the chosen answers, exchanged pairs have a lower loss."""
    if method.make().heads(1):
        raise DoesNotApply("its head learns what is preferred, not the policy")
    trial = method.start()
    trial.policy.model.load_state_dict(_has_learnt_the_chosen())
    right = trial.loss()
    pairs = [item for item in trial.roles["pairs"] if isinstance(item, EncodedPair)]
    exchanged = [EncodedPair(pair.id, pair.rejected, pair.chosen) for pair in pairs]
    trial.roles = {**trial.roles, "pairs": exchanged}
    wrong = trial.loss()
    if not right < wrong:
        raise Broken(
            f"where the model has learnt the chosen answers the loss is {right:.4g}, and "
            f"{wrong:.4g} if chosen and rejected are exchanged",
            "a lower loss where chosen answers have gained on rejected ones: is the sign of beta "
            "wrong, or are chosen and rejected mixed up?",
        )


@cache
def _has_learnt_the_chosen() -> Any:
    """Weights of a model to which the chosen answers are far likelier than the rejected ones."""
    model = fresh_model()
    policy = LMPolicy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    (batch,) = micro_batches({"pairs": rows()["pairs"]}, 0, PAD, References())
    chosen: Any = batch["pairs"].chosen
    rejected: Any = batch["pairs"].rejected
    for _ in range(40):
        margin = policy(chosen).mean_logps.mean() - policy(rejected).mean_logps.mean()
        optimizer.zero_grad()
        (-margin).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.state_dict()
