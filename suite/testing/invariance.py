"""Rules for methods: what must not matter to the gradient of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from suite.testing.method import MethodUnderTest
from suite.testing.methods import METHOD
from suite.testing.rules import Broken, DoesNotApply
from suite.testing.surroundings import disturb
from suite.testing.texts import FIRST_OF_COMPLETIONS, reordered
from suite.testing.trial import Trial

RELATIVE, OF_THE_LARGEST, ABSOLUTE = 1e-3, 1e-4, 1e-7
"""How far gradients may differ: float32 rounds otherwise in batches of another shape."""

Gradients = Mapping[str, Tensor]


@METHOD.essential
def seed(method: MethodUnderTest) -> None:
    """The run's seed decides everything: the same seed gives the same step, to the bit."""
    method.must_train()
    found = []
    for world in (0, 1):
        disturb(world)
        trial = method.start(seed=3)
        disturb(world + 10)  # other programs may have drawn from the global generators meanwhile
        trial.step()
        trial.step()
        found.append(trial.gradients)
    if found[0].keys() != found[1].keys() or any(
        not torch.equal(each, found[1][name]) for name, each in found[0].items()
    ):
        raise Broken(
            "two runs with the same seed differ",
            "random numbers of a generator of your own, seeded by `state.seed` (and `state.step`)",
        )


@METHOD.rule
def accumulation(method: MethodUnderTest) -> None:
    """Cutting a step into micro-batches does not change its gradient."""
    method.must_train()
    if method.cls.batch_coupled and not method.samples:
        raise DoesNotApply("batch_coupled: its steps are never cut")
    for limit in (1, 4):
        found = _difference(method, _whole, partial(_in_parts, limit), micro_batch=limit)
        if found:
            rows = "1 row" if limit == 1 else f"{limit} rows"
            raise Broken(
                f"in micro-batches of {rows} the gradient of a step is {found} that of the whole "
                "step",
                "the same gradient. Divide by the counts of the step: `texts.mean(per_example)` or "
                "`texts.token_mean(per_token)`, not `.mean()`; if rows of a step depend on each "
                "other, declare `batch_coupled = True`",
            )


@METHOD.rule
def padding(method: MethodUnderTest) -> None:
    """How texts are laid out, side by side or padded, and with which token, does not matter."""
    method.must_read_given_rows()
    found = _difference(
        method, _whole, lambda trial: trial.step(trial.batches(pad_id=FIRST_OF_COMPLETIONS)),
        both={"packs": False},
    )  # fmt: skip
    if found:
        raise Broken(
            f"with another padding token the gradient is {found} what it was",
            "padding without influence: count completion tokens only (`texts.rows`, "
            "`texts.lengths`, `texts.positions`), never `ids != pad`",
        )
    found = _difference(method, _whole, _whole, packs=False)
    if found:
        raise Broken(
            f"with every text in a row of its own the gradient is {found} that of texts side by "
            "side",
            "`policy(texts)`, or hidden states at `texts.positions`: rows of `model_inputs` are "
            "not rows of the batch",
        )


@METHOD.rule
def order(method: MethodUnderTest) -> None:
    """The order of rows within a batch does not matter."""
    method.must_train()
    found = _difference(
        method,
        lambda trial: trial.step([trial.batch_in_order(trial.roles)]),
        lambda trial: trial.step([trial.batch_in_order(reordered(trial.roles))]),
    )
    if found:
        raise Broken(
            f"with its rows in another order a batch has {found} the gradient",
            "a sum over rows; what is kept of a row is found by its id (`texts.ids`)",
        )


def _whole(trial: Trial) -> object:
    return trial.step()


def _in_parts(limit: int, trial: Trial) -> object:
    return trial.step(trial.batches(limit))


def _difference(
    method: MethodUnderTest,
    one: Callable[[Trial], object],
    other: Callable[[Trial], object],
    both: Mapping[str, Any] | None = None,
    **options: Any,
) -> str:
    """How the gradient of a step differs if it is taken otherwise; "" if it does not.

    `both`: options of both trainings, `options`: those of the other one. A loss may have a corner
    where rounding decides; two places are looked at, and a difference counts if it is at both.
    """
    found = ""
    for place in (0, 1):
        first = method.away(place, **(both or {}))
        second = method.away(place, **{**(both or {}), **options})
        one(first)
        other(second)
        if _close(second.gradients, first.gradients):
            return ""
        found = _times(second.gradients, first.gradients)
    return found


def _close(one: Gradients, other: Gradients) -> bool:
    if one.keys() != other.keys():
        return False
    for name, expected in other.items():
        scale = OF_THE_LARGEST * float(expected.abs().max()) + ABSOLUTE
        if not torch.allclose(one[name], expected, rtol=RELATIVE, atol=scale):
            return False
    return True


def _times(one: Gradients, other: Gradients) -> str:
    """How long a gradient is in the direction of the other: "6.00 times"."""
    both = [name for name in other if name in one]
    along = sum(float((one[name] * other[name]).sum()) for name in both)
    length = sum(float((each * each).sum()) for each in other.values())
    return f"{along / length:.2f} times" if length else "not"
