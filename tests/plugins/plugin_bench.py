"""A one-layer model over 24 tokens, rows for every role, and what a training step needs of them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from suite.api.data import Encoded, EncodedPair
from suite.api.method import Method
from suite.api.step import LossOutput, TrainState
from suite.model.logprobs import LMPolicy, head_of
from suite.model.reference import References, compute, save
from suite.registry import Registry
from suite.train.encoded import texts_of
from suite.train.online import OnlineMethod
from suite.train.sampling import micro_batches

VOCABULARY, END, PAD, ROWS = 24, 1, 0, 6
SETTINGS: dict[str, dict[str, Any]] = {
    "pdu": {"epsilon": 2.0},
    "rmu": {"layer": 0},
    "alt_po": {"alternates": 1},
    "ppo": {"target_kl": 3.0},
}
"""What has no default that suits so small a model."""


@functools.cache
def registry() -> Registry:
    return Registry.load()


def trained() -> list[str]:
    """Every method whose loss is a function of given rows, by name."""
    return [
        cls.name for cls in registry().methods() if cls.trains and not issubclass(cls, OnlineMethod)
    ]


def make(name: str, **settings: Any) -> Method[Any]:
    cls = registry().method(name)
    return cls(cls.Config(**{**SETTINGS.get(name, {}), **settings}))


def fresh_model() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=64,
        eos_token_id=END,
        pad_token_id=PAD,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():  # far from uniform, so that losses differ between texts
        head_of(model).weight.mul_(20)
    return model


def text(id: str, seed: int, prompt: tuple[int, ...] | None = None) -> Encoded:
    """A random completion of 2 to 6 tokens to a random prompt, or to a given one."""
    generator = torch.Generator().manual_seed(seed)

    def words(low: int, high: int) -> tuple[int, ...]:
        count = int(torch.randint(low, high, (), generator=generator))
        return tuple(torch.randint(2, VOCABULARY, (count,), generator=generator).tolist())

    return Encoded(id, prompt or words(2, 5), (*words(1, 6), END))


def rows() -> dict[str, list[Any]]:
    """Rows for every role that there is."""
    names = ("forget", "retain", "demonstrations", "prompts")
    plain: dict[str, list[Any]] = {
        name: [text(f"{name}/{i}", 100 * k + i) for i in range(ROWS)]
        for k, name in enumerate(names)
    }
    plain["alternate"] = [
        text(f"alternate/{i}", 500 + i, r.prompt_ids) for i, r in enumerate(plain["forget"])
    ]
    chosen = [text(f"chosen/{i}", 600 + i) for i in range(ROWS)]
    plain["pairs"] = [
        EncodedPair(f"pair/{i}", c, text(f"rejected/{i}", 700 + i, c.prompt_ids))
        for i, c in enumerate(chosen)
    ]
    plain["mismatched"] = [
        Encoded(f"mismatched/{i}", c.prompt_ids, chosen[i - 1].completion_ids)
        for i, c in enumerate(chosen)
    ]
    return plain


@pytest.fixture(scope="session")
def all_references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, References]:
    """By role: what the starting model says of its rows, hidden states included."""
    return references_of(fresh_model(), tmp_path_factory)


def references_of(model: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, References]:
    """By role: what a model says of its rows."""
    found = {}
    for role, items in rows().items():
        folder = tmp_path_factory.mktemp("reference")
        save(compute(model, texts_of(items), nullcontext, hidden=True, pad_id=PAD), folder)
        found[role] = References()
        found[role].add(role, folder, texts_of(items))
    return found


@dataclass
class Bench:
    """A method on the starting model, with rows and references as the host would give them."""

    method: Method[Any]
    state: TrainState
    roles: Mapping[str, list[Any]]
    references: References

    def batches(self, limit: int = 0) -> list[dict[str, Any]]:
        """One step over all rows, in parts of at most `limit` rows."""
        return list(micro_batches(self.roles, limit, PAD, self.references))

    def loss(self) -> LossOutput:
        (batch,) = self.batches()
        return self.method.loss(self.state.policy, batch)

    def gradients(self, limit: int = 0) -> dict[str, torch.Tensor]:
        model: Any = self.state.policy.model
        model.zero_grad(set_to_none=True)
        for batch in self.batches(limit):
            self.method.loss(self.state.policy, batch).loss.backward()
        return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    def step(self) -> Any:
        output = self.method.train_step(self.state, self.batches())
        self.state.step += 1
        return output

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return {n: p.detach().clone() for n, p in self.state.policy.model.named_parameters()}


@pytest.fixture
def bench(all_references: dict[str, References]) -> Any:
    """Make a Bench: `bench("npo", beta=0.5)`; lr by keyword."""

    def build(name: str, lr: float = 1e-3, **settings: Any) -> Bench:
        method, model = make(name, **settings), fresh_model()
        roles = {role: items for role, items in rows().items() if role in method.roles}
        references = References()
        for role in roles:  # the host's rule: what is needed and nothing else
            if role in method.needs_reference_hidden or (
                method.needs_reference and role != "retain"
            ):
                references._logps |= all_references[role]._logps
            if role in method.needs_reference_hidden:
                references._hidden |= all_references[role]._hidden
        torch.manual_seed(0)
        heads = method.heads(model.config.hidden_size)
        parameters = [p for module in (model, *heads.values()) for p in module.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.0)
        policy = LMPolicy(model, head_of(model).weight.detach().clone())
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
        state = TrainState(policy, parameters, optimizer, scheduler, 1.0, nullcontext, heads=heads)
        method.begin(state, roles)
        return Bench(method, state, roles, references)

    return build
