"""Paired methods: the rewards they report, and what they do on a bandit, where there is no language
model."""

from __future__ import annotations

import importlib
import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from plugin_bench import make, registry, trained

from suite import UserError, losses
from suite.api.pairs import PairedMethod, PairLogps, Population
from suite.store import closure

PAIRED = [name for name in trained() if issubclass(registry().method(name), PairedMethod)]
GOOD = PairLogps(*torch.tensor([[-3, -2], [-6, -5], [-4, -3.5], [-5, -4]], dtype=torch.float64))
"""Two pairs whose chosen answers gained against the reference, and whose rejected ones lost."""


def paired(name: str, **settings: Any) -> Any:
    return make(name, **settings)


@pytest.mark.parametrize("name", PAIRED)
def test_rewards_rank_the_pair_that_was_learnt(name: str) -> None:
    chosen, rejected = paired(name).rewards(GOOD)
    assert chosen.shape == rejected.shape == (2,)
    assert (chosen > rejected).all()
    swapped = replace(
        GOOD,
        chosen_logps=GOOD.rejected_logps, rejected_logps=GOOD.chosen_logps,
        ref_chosen_logps=GOOD.ref_rejected_logps, ref_rejected_logps=GOOD.ref_chosen_logps,
    )  # fmt: skip
    chosen, rejected = paired(name).rewards(swapped)
    assert (chosen < rejected).all()


def push_at_the_start(name: str, **settings: Any) -> torch.Tensor:
    """How descending the loss moves log pi(chosen) - log pi(rejected) where policy = reference,
    (2,)."""
    chosen, rejected = (
        logps.clone().requires_grad_() for logps in (GOOD.chosen_logps, GOOD.rejected_logps)
    )
    start = PairLogps(chosen, rejected, GOOD.chosen_logps, GOOD.rejected_logps)
    loss = paired(name, **settings).pair_loss(start)
    assert loss.shape == (2,)
    down_w, down_l = torch.autograd.grad(loss.sum(), (chosen, rejected), materialize_grads=True)
    return down_l - down_w


@pytest.mark.parametrize("name", sorted({*PAIRED} - {"discopop"}))
def test_pair_loss_needs_log_probabilities_alone_and_widens_the_margin(name: str) -> None:
    assert (push_at_the_start(name) > 0).all()


def test_discopop_starts_by_narrowing_the_margin() -> None:
    """Its slope in z at 0 is (1 - ln 2) / (4 tau) - 3/4: positive for tau below 0.102, which the
    paper's is."""
    for tau in (0.05, 0.2):
        slope = (1 - math.log(2)) / (4 * tau) - 0.75
        expected = torch.full((2,), -2 * 0.05 * slope, dtype=torch.float64)
        torch.testing.assert_close(push_at_the_start("discopop", tau=tau), expected)


@pytest.mark.parametrize("name", PAIRED)
def test_logged_rewards_are_step_means(bench: Any, name: str) -> None:
    made = bench(name)
    made.step()
    (batch,) = made.batches()
    whole = made.method.loss(made.state.policy, batch).metrics
    pairs = made.method.score(made.state.policy, batch)
    chosen, rejected = made.method.rewards(pairs)
    assert whole["rewards/margins"].item() == pytest.approx(
        (chosen - rejected).mean().item(), rel=1e-4, abs=1e-5
    )
    assert whole["rewards/accuracies"].item() == pytest.approx(
        (chosen > rejected).double().mean().item()
    )
    assert whole["logps/chosen"].item() == pytest.approx(pairs.chosen_logps.mean().item(), rel=1e-5)
    assert whole["mean_logps/rejected"].item() == pytest.approx(
        pairs.rejected_mean_logps.mean().item(), rel=1e-5
    )


def test_methods_with_a_reference_refuse_to_go_without_one() -> None:
    with pytest.raises(ValueError, match="reference are missing"):
        paired("dpo").pair_loss(replace(GOOD, ref_chosen_logps=None))


def test_preferred_ft_is_a_mean_over_tokens(bench: Any) -> None:
    made = bench("preferred_ft")
    (batch,) = made.batches()
    chosen = batch["pairs"].chosen
    expected = -made.state.policy(chosen).token_logps.mean()
    torch.testing.assert_close(made.loss().loss, expected)


def test_dpo_options() -> None:
    lengths = replace(
        GOOD, chosen_lengths=torch.tensor([2, 5]), rejected_lengths=torch.tensor([4, 3])
    )
    normalised = paired("dpo", length_normalised=True, beta=5.0)
    h = (GOOD.chosen_logps - GOOD.ref_chosen_logps) / torch.tensor([2, 5]) - (
        GOOD.rejected_logps - GOOD.ref_rejected_logps
    ) / torch.tensor([4, 3])
    torch.testing.assert_close(normalised.pair_loss(lengths), torch.log1p(torch.exp(-5.0 * h)))
    chosen, rejected = normalised.rewards(lengths)
    torch.testing.assert_close(chosen - rejected, 5.0 * h)

    forward = paired("dpo", divergence="forward_kl")
    chosen, rejected = forward.rewards(GOOD)  # beta (1 - e^-rho)
    torch.testing.assert_close(
        chosen, 0.1 * (1 - torch.exp(GOOD.ref_chosen_logps - GOOD.chosen_logps))
    )
    torch.testing.assert_close(forward.pair_loss(GOOD), torch.log1p(torch.exp(rejected - chosen)))


@pytest.mark.parametrize(
    "settings",
    [
        {"divergence": "alpha"},
        {"alpha": 0.5},
        {"divergence": "jensen_shannon", "length_normalised": True},
    ],
)
def test_dpo_refuses_options_that_do_not_go_together(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"alpha|length_normalised"):
        paired("dpo", **settings)


def test_dpop_rewards_differ_by_the_logit() -> None:
    lost = replace(GOOD, ref_chosen_logps=GOOD.chosen_logps + 0.5)
    method = paired("dpop")
    chosen, rejected = method.rewards(lost)
    torch.testing.assert_close(method.pair_loss(lost), torch.log1p(torch.exp(rejected - chosen)))


def test_ipo_mean_divides_by_length() -> None:
    lengths = replace(
        GOOD, chosen_lengths=torch.tensor([2, 5]), rejected_lengths=torch.tensor([4, 3])
    )
    assert not torch.allclose(
        paired("ipo").pair_loss(lengths), paired("ipo", reduction="mean").pair_loss(lengths)
    )
    torch.testing.assert_close(
        paired("ipo").pair_loss(GOOD), paired("ipo", reduction="mean").pair_loss(GOOD)
    )


def test_unlikelihood_leaves_forgotten_answers_alone() -> None:
    gone = torch.tensor([-50.0, -30.0], dtype=torch.float64, requires_grad=True)
    pairs = replace(
        GOOD, rejected_logps=gone, rejected_lengths=torch.tensor([1, 2])
    )  # -50 and -15 nats a token
    (slope,) = torch.autograd.grad(paired("unlikelihood", alpha=0.5).pair_loss(pairs).sum(), gone)
    assert slope.tolist() == [0.0, 0.5]


def test_psi_other_than_the_identity_needs_true_preferences() -> None:
    with pytest.raises(UserError, match="true preference probabilities"):
        paired("psipo", psi="logit").pair_loss(GOOD)
    torch.testing.assert_close(paired("psipo").pair_loss(GOOD), losses.ipo(*GOOD.sums, tau=0.1))


@pytest.mark.parametrize("psi", ["identity", "logit"])
def test_psipo_learns_the_papers_optimum_on_a_bandit(psi: str) -> None:
    """pi* ~ pi_ref exp(E Psi / tau), reached from log-probabilities of arms alone."""
    tau = 0.5
    strength = torch.tensor([0.0, 0.7, -0.4], dtype=torch.float64)
    preferences = torch.sigmoid(strength[:, None] - strength[None, :])
    reference = torch.log_softmax(torch.tensor([0.2, -0.5, 0.1], dtype=torch.float64), 0)
    method = paired("psipo", psi=psi, tau=tau)
    arms = torch.tensor(list(itertools.permutations(range(3), 2)))
    known = Population(
        preferences[None], reference.exp()[None], torch.zeros(len(arms)).long(), *arms.T
    )
    logits = reference.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-12, tolerance_change=0)

    def closure() -> float:
        optimizer.zero_grad()
        logps = torch.log_softmax(logits, 0)
        four = (logps[arms[:, 0]], logps[arms[:, 1]], reference[arms[:, 0]], reference[arms[:, 1]])
        loss = method.pair_loss(PairLogps(*four, population=known)).mean()
        loss.backward()
        return float(loss.detach())

    optimizer.step(closure)
    psi_of = preferences if psi == "identity" else torch.logit(preferences)
    optimum = torch.softmax(reference + psi_of @ reference.exp() / tau, 0)
    torch.testing.assert_close(torch.softmax(logits, 0).detach(), optimum, rtol=1e-6, atol=1e-8)


MAPS = """
def cube(p):
    return p**3

def falling(p):
    return -p

def total(p):
    return p.sum()

number = 3
"""


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own."""
    name = f"maps_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MAPS)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_psi_of_the_users_own(maps: str) -> None:
    preferences = torch.tensor([[0.5, 0.9], [0.1, 0.5]], dtype=torch.float64)
    half = torch.full((1, 2), 0.5, dtype=torch.float64)
    first = torch.zeros(2, dtype=torch.long)
    known = Population(preferences[None], half, first, first, first + 1)
    target = (0.5**3 + 0.9**3 - 0.1**3 - 0.5**3) / 2 / 0.1
    chosen_ratio, rejected_ratio = GOOD.logratios
    found = paired("psipo", psi=f"{maps}:cube").pair_loss(replace(GOOD, population=known))
    torch.testing.assert_close(found, (chosen_ratio - rejected_ratio - target) ** 2)


def test_psi_of_the_users_own_is_part_of_the_key(maps: str) -> None:
    method = paired("psipo", psi=f"{maps}:cube")
    assert method.modules == (maps,)
    assert paired("psipo", psi="logit").modules == ()
    before = registry().source_digest(type(method), method.modules)
    assert before != registry().source_digest(type(method))
    file = Path(importlib.import_module(maps).__file__ or "")
    file.write_text(MAPS.replace("p**3", "p**5"))
    closure.forget()  # read once per process
    assert registry().source_digest(type(method), method.modules) != before


@pytest.mark.parametrize(
    ("psi", "problem"),
    [
        ("cube", "'cube', but should be identity, logit or package.module:function"),
        ("{maps}:cub", "cannot be imported"),
        ("no_such_package.maps:cube", "cannot be imported"),
        ("{maps}:number", "fails on a tensor"),
        ("{maps}:falling", "decreases somewhere between 0 and 1"),
        ("{maps}:total", "changes the shape"),
    ],
)
def test_what_is_no_psi_is_refused_in_one_line(maps: str, psi: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        paired("psipo", psi=psi.format(maps=maps))
    assert "\n" not in str(caught.value)


def test_kto_shares_one_z0_and_refuses_a_single_pair(bench: Any) -> None:
    made = bench("kto")
    for _ in range(3):
        made.step()
    (batch,) = made.batches()
    pairs = made.method.score(made.state.policy, batch)
    z0 = max(0.0, (pairs.mismatched_logps - pairs.ref_mismatched_logps).mean().item())
    rho_w, rho_l = pairs.logratios
    expected = (torch.sigmoid(0.1 * (z0 - rho_w)) + torch.sigmoid(0.1 * (rho_l - z0))).mean() / 2
    torch.testing.assert_close(made.loss().loss, expected)
    made.roles = {role: items[:1] for role, items in made.roles.items()}
    with pytest.raises(UserError, match="single pair"):
        made.loss()


def test_bco_shifts_by_the_mean_reward_of_the_steps_before(bench: Any) -> None:
    made = bench("bco")
    means = []
    for number in range(3):
        output = made.step()
        before = sum(means) / len(means) if means else 0.0
        assert output.metrics["delta"] == pytest.approx(before, abs=1e-6), number
        means.append((output.metrics["rewards/chosen"] + output.metrics["rewards/rejected"]) / 2)
    assert made.method.delta == pytest.approx(sum(means) / 3, rel=1e-5)
    assert made.method.seen == 3 * 2 * 6
    assert not math.isclose(made.method.delta, 0.0)


def test_aot_sees_no_pairs_but_distributions() -> None:
    """Exchanging which reference margin belongs to which pair changes nothing."""
    ref_chosen, ref_rejected = GOOD.ref_chosen_logps, GOOD.ref_rejected_logps
    assert ref_chosen is not None and ref_rejected is not None
    turned = replace(
        GOOD, ref_chosen_logps=ref_chosen.flip(0), ref_rejected_logps=ref_rejected.flip(0)
    )
    torch.testing.assert_close(paired("aot").pair_loss(turned), paired("aot").pair_loss(GOOD))
    assert not torch.allclose(paired("dpo").pair_loss(turned), paired("dpo").pair_loss(GOOD))
