"""A method: one way of training (or prompting) a model. Most plugins write `loss` and nothing else.

    class NPO(Method[NPOConfig]):
        name, family, roles, needs_reference = "npo", "unlearning", frozenset({"forget"}), True
        Config = NPOConfig

        def loss(self, policy, batch):
            forget = batch["forget"]
            per_example = losses.npo(policy(forget).logps, forget.reference_logps, beta=self.config.beta)  # (B,)
            return LossOutput(forget.mean(per_example))

A step of training is cut into micro-batches. `texts.mean` and `texts.token_mean` divide by the sequence or token
count of the *whole step*, so the sum over its micro-batches is the step's loss, and one micro-batch or eight give
the same gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from suite.benchmark import Pair, Request, Response, Row
    from suite.engines import Engine
    from suite.rewards import Reward, Rewarder

C = TypeVar("C")


class Texts(Protocol):
    """A micro-batch of B completions with N completion tokens altogether (prompts and padding not counted)."""

    @property
    def reference_logps(self) -> Tensor:
        """Summed log-probabilities under the frozen starting model, (B,), nats. Only if `needs_reference`."""
        ...

    @property
    def reference_token_logps(self) -> Tensor:
        """The same per completion token, (N,)."""
        ...

    @property
    def lengths(self) -> Tensor:
        """Completion tokens of each row, end-of-sequence included, (B,)."""
        ...

    @property
    def targets(self) -> Tensor:
        """The completion tokens, (N,), rows one after another."""
        ...

    def mean(self, per_example: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's sequences. Shape: (B,) -> ()."""
        ...

    def token_mean(self, per_token: Tensor) -> Tensor:
        """This micro-batch's share of the mean over the step's completion tokens. Shape: (N,) -> ()."""
        ...

    def row_sum(self, per_token: Tensor) -> Tensor:
        """Sum the tokens of each completion. Shape: (N,) -> (B,)."""
        ...


class Scored(Protocol):
    """What one forward pass of the policy says of a micro-batch. Everything is fp32."""

    @property
    def logps(self) -> Tensor:
        """Summed log-probability of each completion, (B,), nats."""
        ...

    @property
    def mean_logps(self) -> Tensor:
        """The same divided by the completion's token count, (B,)."""
        ...

    @property
    def token_logps(self) -> Tensor:
        """Log-probability of each completion token, (N,), rows one after another."""
        ...

    @property
    def logits(self) -> Tensor:
        """Logits at the completion positions, (N, V). Large: only for losses over the whole vocabulary."""
        ...

    @property
    def reference_logits(self) -> Tensor:
        """The frozen starting model's logits at these positions, (N, V). Only with `needs_reference_hidden`."""
        ...

    def reference_kl(self) -> Tensor:
        """KL(reference || policy) at each completion position, (N,), nats. Only with `needs_reference_hidden`."""
        ...


class Policy(Protocol):
    """The model in training. Calling it runs one forward pass; keep the result if two terms need it."""

    model: nn.Module

    def __call__(self, texts: Any) -> Scored:
        """Score the completions of `texts`."""
        ...

    def joint(self, *batches: Any) -> Sequence[Scored]:
        """Score several batches in one forward pass: the same numbers, sooner. One result for each."""
        ...


@dataclass(frozen=True)
class LossOutput:
    """The loss of one micro-batch."""

    loss: Tensor
    """Scalar: this micro-batch's share of the step's loss (use `texts.mean`, `texts.token_mean`)."""
    metrics: Mapping[str, Tensor | float] = field(default_factory=dict)
    """Scalars to log; shares as well: they are summed over the step's micro-batches."""


@dataclass(frozen=True)
class StepOutput:
    """What one optimiser step did."""

    loss: float
    grad_norm: float
    metrics: Mapping[str, float]


@dataclass
class TrainState:
    """What a train step works on."""

    policy: Policy
    parameters: list[nn.Parameter]
    optimizer: Optimizer
    scheduler: LRScheduler
    max_grad_norm: float
    autocast: Callable[[], Any]
    """Returns the context manager under which the forward pass runs (bf16 or nothing)."""
    step: int = 0
    seed: int = 0
    micro_batch: int = 0
    """Largest number of sequences in one forward pass; 0: no limit."""
    heads: Mapping[str, nn.Module] = field(default_factory=dict)
    """What `Method.heads` gave, in training too."""
    rewarder: Rewarder | None = None
    """The reward of tokenised texts; only if the method `needs_reward`."""
    extra: dict[str, Any] = field(default_factory=dict)


class Method(ABC, Generic[C]):
    """Base class of every method plugin; one instance serves one cell."""

    name: ClassVar[str]
    family: ClassVar[str]
    """"unlearning", "alignment" or "baseline"."""
    roles: ClassVar[frozenset[str]]
    """What the training data must offer: forget, retain, alternate, pairs, mismatched, prompts, demonstrations."""
    trains: ClassVar[bool] = True
    """False: nothing is trained; the model of `answered_by` answers, in the way of `respond`."""
    answered_by: ClassVar[Literal["start", "base"]] = "start"
    """Who answers for a method that trains nothing: the model where methods start, or the one before fine-tuning."""
    answers: ClassVar[frozenset[str]] = frozenset({"loglikelihood", "generate"})
    """Kinds of requests that it can answer; to others its `respond` gives an empty `Response`."""
    needs_reference: ClassVar[bool] = False
    """Log-probabilities of the frozen starting model; computed once, cached, shared by methods and settings."""
    needs_reference_hidden: ClassVar[frozenset[str]] = frozenset()
    """Roles on which the starting model's last hidden states are needed (for `Scored.reference_kl`); cached too."""
    needs_reward: ClassVar[Literal["", "ground_truth", "model", "own"]] = ""
    """"ground_truth": the benchmark's reward; "model": a reward model trained on its pairs; "own": when it answers,
    the reward model that it trained itself. See `suite.rewards`."""
    whole_prompts: ClassVar[bool] = False
    """True: all pairs of a prompt come in one step."""
    batch_coupled: ClassVar[bool] = False
    """True if the loss of a row depends on the other rows: the step is then never cut into micro-batches."""
    train_defaults: ClassVar[Mapping[str, Any]] = {}
    """Training settings that the paper prescribes and that differ from the run's, e.g. {"lr": 1e-4}."""
    Config: ClassVar[type[Any]]
    """A frozen dataclass; the docstring under each field gives unit and source. It makes flags, help and schema."""

    def __init__(self, config: C) -> None:
        self.config = config

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules beside its own whose code decides what it computes, e.g. of a function that its settings name.

        They are part of the key of everything that it computes.
        """
        return ()

    @abstractmethod
    def loss(self, policy: Policy, batch: Mapping[str, Any]) -> LossOutput:
        """The micro-batch's share of the loss. `batch` maps each role to `Texts` (pairs: to `chosen`, `rejected`)."""

    def select(self, roles: Mapping[str, Sequence[Any]]) -> Mapping[str, Sequence[Any]]:
        """The tokenised rows to train on; by default all. Override it to keep some for an evaluation of your own."""
        return roles

    def heads(self, hidden_size: int) -> Mapping[str, nn.Module]:
        """Modules that are trained with the model, e.g. a value head on its last hidden states."""
        return {}

    def begin(self, state: TrainState, roles: Mapping[str, Sequence[Any]]) -> None:
        """Called once, before the first step: the policy is the starting model. `roles`: the tokenised rows.

        Override it to keep starting weights, to freeze some, or to sample from the start. A resumed run calls it
        too, before it restores its checkpoint.
        """

    def result(self, state: TrainState) -> AbstractContextManager[Any]:
        """While this context is open, the model's weights are what the method delivers; they are saved in it.

        Default: the trained weights. A context that changes them must leave them as they were.
        """
        return nullcontext()

    def save(self, state: TrainState, folder: Path) -> None:
        """Write what is delivered beside the model's weights, e.g. a head, into the model's folder."""

    def train_step(
        self, state: TrainState, micro_batches: Sequence[Mapping[str, Any]]
    ) -> StepOutput:
        """Loss, backward, clip, step. Override it to keep state, to sample, or to touch hidden activations."""
        from suite.train import default_train_step

        return default_train_step(self, state, micro_batches)

    def prepare(
        self, rows: Mapping[str, Sequence[Row] | Sequence[Pair]], reward: Reward | None
    ) -> None:
        """Called before `respond`, where that is overridden: the rows of `roles`, and the reward if it needs one."""

    def respond(self, engine: Engine, requests: Sequence[Request]) -> list[Response]:
        """Answer the benchmark's requests. Best-of-n and prompting methods override it."""
        return engine.respond(requests)

    def kl_bound(self) -> float | None:
        """Upper bound of KL(answers || starting model), nats, where `respond` chooses among its answers; else None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """JSON-able state that must survive an interruption (dual variables, running means)."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
