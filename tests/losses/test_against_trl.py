"""Values and gradients against TRL's trainers, and the places where TRL computes something else
under a name.

TRL's departures, each shown by a test: `sigmoid` ignores label_smoothing; `ipo` takes means per
token; `hinge` is RSO's, not SLiC's; `simpo_gamma` is gamma, not its ratio to beta; `bco_pair` has
no delta; ORPO is not finite at certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from suite import losses

pytest.importorskip("trl", minversion="1.16")

import trl_losses

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = 5
LENGTHS = torch.tensor([3, 1, 7, 2, 5, 4, 9, 1, 6, 2])
"""Completion tokens of the chosen rows, then of the rejected ones."""

Loss = Callable[..., Tensor]


def draw(
    count: int, dtype: torch.dtype = torch.float64, low: float = -9, high: float = -3
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    rows = torch.rand(count, ROWS, generator=generator, dtype=dtype) * (high - low) + low
    return [row.clone().requires_grad_() for row in rows]


def assert_same(
    ours: Loss, theirs: Loss, args: list[Tensor], learnt: int = 2, **tolerance: float
) -> None:
    """Equal means, and equal gradients in the first `learnt` arguments."""
    a, b = ours(args).mean(), theirs(args).mean()
    torch.testing.assert_close(a, b, **tolerance)
    mine, other = (torch.autograd.grad(loss, args[:learnt]) for loss in (a, b))
    torch.testing.assert_close(mine, other, **tolerance)


@pytest.mark.parametrize(
    ("loss", "loss_type", "ours", "theirs"),
    [
        (losses.dpo, "sigmoid", {}, {}),
        (losses.robust_dpo, "robust", {"label_smoothing": 0.2}, {"label_smoothing": 0.2}),
        (losses.rso_hinge, "hinge", {}, {}),
        (losses.exo, "exo_pair", {"label_smoothing": 0.01}, {"label_smoothing": 0.01}),
        (losses.nca, "nca_pair", {}, {}),
        (losses.bco, "bco_pair", {"delta": 0.0}, {}),
        (losses.sppo_hard, "sppo_hard", {}, {}),
        (losses.aot, "aot", {"label_smoothing": 0.1}, {"label_smoothing": 0.1}),
        (losses.apo_zero, "apo_zero", {}, {}),
        (losses.apo_down, "apo_down", {}, {}),
        (losses.discopop, "discopop", {"tau": 0.4}, {"discopop_tau": 0.4}),
        (losses.dpo, "sigmoid", {"divergence": losses.forward_kl}, {"f_divergence": "forward_kl"}),
        (
            losses.dpo,
            "sigmoid",
            {"divergence": losses.jensen_shannon},
            {"f_divergence": "js_divergence"},
        ),
    ],
)
@pytest.mark.parametrize("beta", [0.1, 0.7])
def test_paired(
    loss: Loss, loss_type: str, ours: dict[str, Any], theirs: dict[str, Any], beta: float
) -> None:
    # TRL writes EXO's label_smoothing into an fp32 tensor; the rest agrees to the last digits.
    tolerance = (
        {"rtol": 1e-6, "atol": 1e-7} if loss_type == "exo_pair" else {"rtol": 1e-12, "atol": 1e-13}
    )
    assert_same(
        lambda args: loss(*args, beta=beta, **ours),
        lambda args: trl_losses.dpo(loss_type, args, beta=beta, **theirs),
        draw(4),
        **tolerance,
    )


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9])
def test_alpha_divergence_has_the_papers_alpha(alpha: float) -> None:
    """TRL's coefficient is one minus it; fp32, for its clamp knows no other."""
    assert_same(
        lambda args: losses.dpo(*args, divergence=losses.alpha_divergence(alpha)),
        lambda args: trl_losses.dpo(
            "sigmoid", args, beta=0.1, f_divergence="alpha_divergence", f_alpha=1 - alpha
        ),
        draw(4, torch.float32),
        rtol=1e-5,
        atol=1e-6,
    )


def test_sigmoid_of_trl_ignores_label_smoothing() -> None:
    args = draw(4)
    theirs = trl_losses.dpo("sigmoid", args, beta=0.3, label_smoothing=0.2)

    torch.testing.assert_close(theirs, losses.dpo(*args, beta=0.3).mean())
    assert abs(theirs - losses.cdpo(*args, beta=0.3, label_smoothing=0.2).mean()) > 1e-2


def test_cdpo_agrees_with_the_smoothing_of_cpo() -> None:
    """Fed with log-ratios, TRL's CPO is DPO, and it does honour label_smoothing."""
    assert_same(
        lambda args: losses.cdpo(*args, beta=0.3, label_smoothing=0.2),
        lambda args: trl_losses.cpo(
            "sigmoid", args[0] - args[2], args[1] - args[3], beta=0.3, label_smoothing=0.2
        ),
        draw(4),
    )


def means(args: list[Tensor]) -> list[Tensor]:
    chosen, rejected = LENGTHS.chunk(2)
    return [arg / n for arg, n in zip(args, (chosen, rejected, chosen, rejected), strict=True)]


def test_ipo_of_trl_takes_means() -> None:
    args = draw(4)
    assert_same(
        lambda args: losses.ipo_mean(*means(args), tau=0.3),
        lambda args: trl_losses.dpo("ipo", args, beta=0.3, lengths=LENGTHS),
        args,
    )
    theirs = trl_losses.dpo("ipo", args, beta=0.3, lengths=LENGTHS)
    assert abs(theirs - losses.ipo(*args, tau=0.3).mean()) > 1


def test_answers_of_one_token_have_one_ipo() -> None:
    assert_same(
        lambda args: losses.ipo(*args, tau=0.3),
        lambda args: trl_losses.dpo("ipo", args, beta=0.3),
        draw(4),
    )


def test_length_normalised_dpo() -> None:
    assert_same(
        lambda args: losses.dpo(*means(args), beta=5.0),
        lambda args: trl_losses.dpo("sigmoid_norm", args, beta=5.0, lengths=LENGTHS),
        draw(4),
    )


def test_hinge_of_trl_is_not_slic() -> None:
    args = draw(4)
    theirs = trl_losses.dpo("hinge", args, beta=1.0)
    ours = losses.slic(args[0], args[1], args[0], delta=1.0, nll_weight=0.0).mean()

    assert abs(theirs - ours) > 1e-2


def test_bco_of_trl_has_no_delta() -> None:
    args = draw(4)
    assert (
        abs(
            trl_losses.dpo("bco_pair", args, beta=0.3)
            - losses.bco(*args, beta=0.3, delta=0.5).mean()
        )
        > 1e-3
    )


@pytest.mark.parametrize("mismatch", [0.7, -0.7], ids=["positive-z0", "clamped-z0"])
def test_kto(mismatch: float) -> None:
    mismatched = (
        torch.linspace(-9, -3, ROWS, dtype=torch.float64) + mismatch,
        torch.linspace(-9, -3, ROWS).double(),
    )
    desirable = torch.tensor([True, False, False, True, True])
    settings = {"beta": 0.3, "desirable_weight": 1.0, "undesirable_weight": 1.6}
    assert_same(
        lambda args: losses.kto(*args, desirable, losses.kto_z0(*mismatched), **settings),
        lambda args: trl_losses.kto(args, mismatched, desirable, **settings),
        draw(2),
        learnt=1,
    )


@pytest.mark.parametrize("centering", [None, 0.01])
@pytest.mark.parametrize("with_margin", [True, False])
def test_reward_model(centering: float | None, with_margin: bool) -> None:
    margin = torch.linspace(0, 2, ROWS, dtype=torch.float64) if with_margin else None
    assert_same(
        lambda args: losses.reward_model(*args, margin, centering=centering or 0.0),
        lambda args: trl_losses.reward(*args, margin, centering),
        draw(2, low=-3, high=3),
    )


def test_cpo() -> None:
    assert_same(
        lambda args: losses.cpo(args[0], args[1], args[0], beta=0.3, alpha=0.0),
        lambda args: trl_losses.cpo("sigmoid", *args, beta=0.3),
        draw(2),
    )


def test_simpo_gamma_of_trl_is_gamma_itself() -> None:
    assert_same(
        lambda args: losses.simpo(*args, beta=2.0, gamma_beta_ratio=0.25),
        lambda args: trl_losses.cpo("simpo", *args, beta=2.0, simpo_gamma=0.5),
        draw(2, low=-3, high=-0.1),
    )


def test_orpo() -> None:
    """TRL computes the odds in fp32.

    Its likelihood term, not compared here, covers the prompt as well.
    """
    assert_same(
        lambda args: losses.orpo(*args, odds_ratio_weight=0.3) + args[0],
        lambda args: -trl_losses.orpo(*args, beta=0.3).double(),
        draw(2, low=-3, high=-0.1),
        rtol=1e-5,
        atol=1e-6,
    )


def test_orpo_of_trl_is_not_finite_at_certainty() -> None:
    certain = torch.zeros(1).requires_grad_()

    assert not trl_losses.orpo(certain, certain, beta=0.1).isfinite().all()
    ours = losses.orpo(certain, certain)
    assert ours.isfinite().all()
    assert torch.autograd.grad(ours.sum(), certain)[0].isfinite().all()
