"""The rules for methods: what one step does, and what it must leave alone.

Those that compare a step with another one are in `suite.testing.invariance`, those on whole
trainings in `suite.testing.promises`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from suite.model.logprobs import decoder_of
from suite.testing.method import MethodUnderTest
from suite.testing.rules import Broken, RuleBook
from suite.testing.settings import check_description, check_round_trip
from suite.testing.surroundings import untouched
from suite.testing.texts import ALIGNED, END, FIRST_OF_COMPLETIONS
from suite.testing.trial import Trial
from suite.train.sampling import PRIMARY

METHOD = RuleBook("method")


@METHOD.rule
def documented(method: MethodUnderTest) -> None:
    """The class says in one line what it is, and every setting what it means."""
    check_description(method.cls)


@METHOD.rule
def settings(method: MethodUnderTest) -> None:
    """Settings are frozen, and come back from a file as they were."""
    check_round_trip(method.cls, dict(method.settings))


@METHOD.essential
def step(method: MethodUnderTest) -> None:
    """One step has a finite loss, and a finite gradient that reaches the policy's weights."""
    method.must_train()
    if not set(PRIMARY) & method.cls.roles:
        raise Broken(
            f"roles is {sorted(method.cls.roles)}",
            f"one of {', '.join(PRIMARY)}: an epoch is one pass over its rows",
        )
    trial = method.start()
    before = trial.weights
    trial.step()
    trial.step()  # where policy and reference are equal, a gradient may vanish
    if not trial.gradients:
        raise Broken("no gradient reaches a weight", "a loss that depends on `policy(texts)`")
    if all(torch.equal(before[name], after) for name, after in trial.weights.items()):
        raise Broken(
            "two steps change no weight of the policy",
            "a loss that depends on `policy(texts)`, without `detach` or `no_grad` on the way",
        )


@METHOD.rule
def roles(method: MethodUnderTest) -> None:
    """`roles` names the data that the loss reads, all of it and nothing else."""
    method.must_train()
    trial = method.start()
    trial.step()
    owners = {ALIGNED[role] for role in method.cls.roles if role in ALIGNED}
    unread = sorted(method.cls.roles - trial.read - owners)
    if unread:
        raise Broken(
            f"`roles` declares {', '.join(map(repr, unread))}, which no step reads",
            "`roles` without it: benchmarks that lack such data are refused for nothing",
        )


@METHOD.rule
def reference(method: MethodUnderTest) -> None:
    """The reference is used where it is declared, and no gradient reaches it."""
    method.must_train()
    trial = method.away()
    with _modules_that_run() as ran:
        trial.step()
    own = {id(parameter) for parameter in trial.state.parameters}
    for module in ran.values():
        for name, parameter in module.named_parameters():
            if id(parameter) not in own and parameter.grad is not None:
                raise Broken(
                    f"a gradient reaches {name!r} of a model that is not the policy",
                    "a frozen reference: `copy.requires_grad_(False)`, or `with torch.no_grad()`",
                )
    for declared, table in (("needs_reference", "_logps"), ("needs_reference_hidden", "_hidden")):
        if getattr(method.cls, declared) and not method.samples:
            _check_used(method, declared, table)


def _check_used(method: MethodUnderTest, declared: str, table: str) -> None:
    """Broken: a step is the same whatever the reference says."""
    seen = []
    for shift in (0.0, 0.5):
        trial = method.away()
        for texts in getattr(trial.references, table).values():
            for number, (key, values) in enumerate(texts.items()):
                texts[key] = values + shift * (number % 3 + 1)
        output = trial.step()
        seen.append([output.loss, *(float(each.sum()) for each in trial.gradients.values())])
    if seen[0] == seen[1]:
        raise Broken(
            f"`{declared}` is declared, but what the reference says changes nothing",
            f"the loss reads it, or the class does without `{declared}`, which costs a pass",
        )


@contextmanager
def _modules_that_run() -> Iterator[dict[int, nn.Module]]:
    """Collect every module that runs, wherever the plugin keeps it."""
    ran: dict[int, nn.Module] = {}

    def note(module: nn.Module, *_: Any) -> None:
        ran[id(module)] = module

    handle = nn.modules.module.register_module_forward_hook(note)
    try:
        yield ran
    finally:
        handle.remove()


@METHOD.rule
def batch(method: MethodUnderTest) -> None:
    """A step leaves the batch and the rows as they were."""
    method.must_train()
    trial = method.away()
    given = trial.batches()
    before, rows_before = _copied(given), {role: list(rows) for role, rows in trial.roles.items()}
    trial.step(given)
    changed = [name for name, value in _copied(given).items() if not _same(value, before.get(name))]
    if changed or before.keys() - _copied(given).keys():
        raise Broken(
            f"a step changes {changed[0] if changed else 'the roles'} of its batch",
            "a copy to work on: `texts.targets.clone()`",
        )
    if {role: list(rows) for role, rows in trial.roles.items()} != rows_before:
        raise Broken("a step changes the rows", "rows as they were: other steps read them too")


def _copied(batches: list[Any]) -> dict[str, Any]:
    """Everything in the batches, by name."""
    found: dict[str, Any] = {}
    for number, each in enumerate(batches):
        for role, part in each.items():
            texts = {"": part} if not hasattr(part, "chosen") else vars(part)
            for half, batch in texts.items():
                for name, value in vars(batch).items():
                    if name not in ("packed", "window"):  # laid out when first asked for
                        copy = value.clone() if isinstance(value, Tensor) else value
                        found[f"{'.'.join(filter(None, (role, half, name)))}#{number}"] = copy
    return {name.partition("#")[0] if len(batches) == 1 else name: v for name, v in found.items()}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    return type(one) is type(other) and bool(one == other)


@METHOD.rule
def masked_tokens(method: MethodUnderTest) -> None:
    """Tokens of the prompt and padding are read, but never learnt."""
    method.must_read_given_rows()
    trial = method.away()
    with _foreign_passes(trial) as passes:
        trial.step()
    for ids, hidden in passes:
        if hidden.grad is None:
            continue
        following = ids.roll(-1, dims=1)
        following[:, -1] = 0
        learnt = (following == END) | (following >= FIRST_OF_COMPLETIONS)
        leak = hidden.grad.abs().amax(-1) * ~learnt
        if float(leak.max()) > 0:
            raise Broken(
                "the loss depends on what the model predicts for tokens of prompts or padding",
                "completion tokens alone: `policy(texts)`, or hidden states at `texts.positions`",
            )


@contextmanager
def _foreign_passes(trial: Trial) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Collect (tokens, last hidden states) of the passes that the method runs past the policy."""
    passes: list[tuple[Tensor, Tensor]] = []
    inside: list[bool] = []
    policy = trial.policy

    class Marked(type(policy)):  # type: ignore[misc]
        def __call__(self, texts: Any) -> Any:
            return self._marked(super().__call__, texts)

        def joint(self, *batches: Any) -> Any:
            return self._marked(super().joint, *batches)

        @staticmethod
        def _marked(function: Any, *arguments: Any) -> Any:
            inside.append(True)
            try:
                return function(*arguments)
            finally:
                inside.pop()

    def note(module: nn.Module, args: Any, kwargs: Mapping[str, Any], output: Any) -> None:
        ids = kwargs.get("input_ids", args[0] if args else None)
        hidden = output.last_hidden_state
        if not inside and ids is not None and hidden.requires_grad:
            hidden.retain_grad()
            passes.append((ids.clone(), hidden))

    policy.__class__ = Marked
    handle = decoder_of(policy.model).register_forward_hook(note, with_kwargs=True)
    try:
        yield passes
    finally:
        handle.remove()


@METHOD.rule
def surroundings(method: MethodUnderTest) -> None:
    """A step changes nothing that belongs to the whole process: random numbers, threads, types."""
    method.must_train()
    trial = method.start()
    with untouched("a step"):
        trial.step()
    if trial.policy.model.training:
        raise Broken(
            "a step leaves the model in training mode", "`model.eval()`: there is no dropout"
        )


@METHOD.rule
def answers(method: MethodUnderTest) -> None:
    """Every request is answered once, in order, and answers do not depend on global state."""
    from suite.testing.asking import check_answers

    check_answers(method)
