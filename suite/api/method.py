"""A method: one way of training (or prompting) a model. Most plugins write `loss` and nothing else.

    class NPO(Method[NPOConfig]):
        name, family, roles, needs_reference = "npo", "unlearning", frozenset({"forget"}), True
        Config = NPOConfig

        def loss(self, policy, batch):
            forget = batch["forget"]
            logps, beta = policy(forget).logps, self.config.beta
            per_example = losses.npo(logps, forget.reference_logps, beta=beta)  # (B,)
            return LossOutput(forget.mean(per_example))

A step of training is cut into micro-batches. `texts.mean` and `texts.token_mean` divide by the
sequence or token count of the *whole step*, so the sum over its micro-batches is the step's loss,
and one micro-batch or eight give the same gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from suite.api.batch import Batch, Policy
from suite.api.data import Given
from suite.api.engine import Engine
from suite.api.requests import Request, Response
from suite.api.reward import Reward
from suite.api.step import LossOutput, StepOutput, TrainState

if TYPE_CHECKING:
    from torch import nn

C = TypeVar("C")


class Method(ABC, Generic[C]):
    """Base class of every method plugin; one instance serves one cell."""

    name: ClassVar[str]
    family: ClassVar[str]
    """"unlearning", "alignment" or "baseline"; "finished": see `suite.api.finished`."""
    roles: ClassVar[frozenset[str]]
    """What the training data must offer: forget, retain, alternate, pairs, mismatched, prompts,
    demonstrations."""
    trains: ClassVar[bool] = True
    """False: nothing is trained; the model of `answered_by` answers, in the way of `respond`."""
    answered_by: ClassVar[Literal["start", "base"]] = "start"
    """Who answers for a method that trains nothing: the model where methods start, or the one
    before fine-tuning."""
    answers: ClassVar[frozenset[str]] = frozenset({"loglikelihood", "generate"})
    """Kinds of requests that it can answer; to others its `respond` gives `Unanswered`."""
    needs_reference: ClassVar[bool] = False
    """Log-probabilities of the frozen starting model; computed once, cached, shared by methods and
    settings."""
    needs_reference_hidden: ClassVar[frozenset[str]] = frozenset()
    """Roles on which the starting model's last hidden states are needed (for
    `Scored.reference_kl`); cached too."""
    needs_reward: ClassVar[Literal["", "ground_truth", "model", "own"]] = ""
    """"ground_truth": the benchmark's reward; "model": a reward model trained on its pairs; "own":
    when it answers, the reward model that it trained itself. See `suite.api.reward`."""
    serves: ClassVar[Literal["", "start", "reward"]] = ""
    """What the host itself trains with it (built-in methods only): "start": start models; "reward":
    reward models."""
    whole_prompts: ClassVar[bool] = False
    """True: all pairs of a prompt come in one step."""
    batch_coupled: ClassVar[bool] = False
    """True if the loss of a row depends on the other rows: the step is then never cut into
    micro-batches."""
    train_defaults: ClassVar[Mapping[str, Any]] = {}
    """Training settings that the paper prescribes and that differ from the run's, e.g. {"lr":
    1e-4}."""
    Config: ClassVar[type[Any]]
    """A frozen dataclass; the docstring under each field gives unit and source. It makes flags,
    help and schema."""

    def __init__(self, config: C) -> None:
        self.config = config

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules beside its own whose code decides what it computes, e.g. of a function that its
        settings name.

        They are part of the key of everything that it computes.
        """
        return ()

    @abstractmethod
    def loss(self, policy: Policy, batch: Batch) -> LossOutput:
        """The micro-batch's share of the loss. `batch` maps each role to `Texts` (pairs: to
        `chosen`, `rejected`)."""

    def select(self, roles: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
        """The tokenised rows to train on; by default all. Override it to keep some for an
        evaluation of your own."""
        return roles

    def heads(self, hidden_size: int) -> Mapping[str, nn.Module]:
        """Modules that are trained with the model, e.g. a value head on its last hidden states."""
        return {}

    def check_layers(self, layers: int) -> None:
        """Called while planning, with the number of decoder layers of the model. Raise UserError
        for a setting that names a layer which it lacks."""

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Called once, before the first step: the policy is the starting model. `roles`: the
        tokenised rows.

        Override it to keep starting weights, to freeze some, or to sample from the start. A resumed
        run calls it too, before it restores its checkpoint.
        """

    def result(self, state: TrainState) -> AbstractContextManager[Any]:
        """While this context is open, the model's weights are what the method delivers; they are
        saved in it.

        Default: the trained weights. A context that changes them must leave them as they were.
        """
        return nullcontext()

    def save(self, state: TrainState, folder: Path) -> None:
        """Write what is delivered beside the model's weights, e.g. a head, into the model's
        folder."""

    def train_step(self, state: TrainState, micro_batches: Sequence[Batch]) -> StepOutput:
        """Loss, backward, clip, step. Override it to keep state, to sample, or to touch hidden
        activations."""
        output = state.descend(state.loss(self, batch) for batch in micro_batches)
        state.scheduler.step()
        return output

    def prepare(self, rows: Mapping[str, Given], reward: Reward | None) -> None:
        """Called before `respond`, where that is overridden: the rows of `roles`, and the reward if
        it needs one."""

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Answer the benchmark's requests. Best-of-n and prompting methods override it."""
        return engine.respond(requests)

    def kl_bound(self) -> float | None:
        """Upper bound of KL(answers || starting model), nats, where `respond` chooses among its
        answers; else None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """JSON-able state that must survive an interruption (dual variables, running means)."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
