"""Trainers of OpenUnlearning and TRL, ported to single files: the same numbers, all rules kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from trl_losses import cpo

from suite.api.pairs import PairLogps
from suite.registry import Registry
from suite.testing import check_method
from suite.testing.method import MethodUnderTest
from suite.testing.model import fresh_model

HERE = Path(__file__).parent
PORTED = ("openunlearning_npo", "trl_alphapo")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load(files=[str(HERE / f"{name}.py") for name in PORTED])


@pytest.mark.parametrize("name", PORTED)
def test_a_ported_method_keeps_the_rules(name: str, registry: Registry) -> None:
    check_method(registry.method(name))


@pytest.mark.parametrize("alpha", [0.0, 0.25, -0.5, 2.0])
def test_alphapo_is_trls(alpha: float, registry: Registry) -> None:
    """Against `CPOTrainer.cpo_loss`, which gets means over tokens from its own forward pass."""
    cls = registry.method("trl_alphapo")
    drawn = torch.Generator().manual_seed(0)
    lengths = torch.tensor([1, 3, 7, 12])
    chosen, rejected = (-3 * torch.rand(4, generator=drawn, dtype=torch.float64) for _ in range(2))
    pairs = PairLogps(
        chosen * lengths, rejected * lengths, chosen_lengths=lengths, rejected_lengths=lengths
    )
    method: Any = cls(cls.Config(beta=2.5, alpha=alpha, simpo_gamma=0.7))
    theirs = cpo("simpo", chosen, rejected, alpha=alpha, beta=2.5, simpo_gamma=0.7)
    torch.testing.assert_close(method.pair_loss(pairs), theirs)


def test_openunlearnings_npo_is_what_its_trainer_computes(registry: Registry) -> None:
    """Against labels of -100 on the prompt and transformers' own loss, as a Trainer has them."""
    subject = MethodUnderTest(registry.method("openunlearning_npo"), {"alpha": 2.0, "gamma": 0.5})
    trial = subject.away()
    rows = {role: list(items) for role, items in trial.roles.items()}
    model, start = trial.policy.model, fresh_model()
    policy_nll, reference_nll = nll(model, rows["forget"]), nll(start, rows["forget"]).detach()
    beta = 0.1
    forget = -2 / beta * torch.log(torch.sigmoid(beta * (policy_nll - reference_nll))).mean()
    retain = model(**labelled(rows["retain"])).loss
    assert trial.loss() == pytest.approx(float(0.5 * forget + 2.0 * retain), rel=1e-4)


def labelled(rows: list[Any]) -> dict[str, Tensor]:
    """A padded batch with labels, -100 where nothing is learnt."""
    width = max(map(len, rows))
    ids, labels, mask = ([[0] * width for _ in rows] for _ in range(3))
    for i, row in enumerate(rows):
        whole = [*row.prompt_ids, *row.completion_ids]
        ids[i][: len(whole)] = whole
        mask[i][: len(whole)] = [1] * len(whole)
        labels[i] = [-100] * len(row.prompt_ids) + list(row.completion_ids)
        labels[i] += [-100] * (width - len(whole))
    names = {"input_ids": ids, "labels": labels, "attention_mask": mask}
    return {name: torch.tensor(values) for name, values in names.items()}


def nll(model: Any, rows: list[Any]) -> Tensor:
    """Summed negative log-likelihood of each answer, by cross-entropy on shifted labels, (B,)."""
    given = labelled(rows)
    logits = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits
    per_token = torch.nn.functional.cross_entropy(
        logits[:, :-1].transpose(1, 2), given["labels"][:, 1:], ignore_index=-100, reduction="none"
    )
    return per_token.sum(1)


def test_the_guide_shows_the_files_as_they_are() -> None:
    page = (HERE.parent.parent / "docs" / "porting.md").read_text()
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    sources = [(HERE / f"{name}.py").read_text() for name in PORTED]
    assert len(shown) == 2
    # The page shows methods without the indentation of their class.
    for block, source in zip(shown, sources, strict=True):
        assert " ".join(block.split()) in " ".join(source.split())
