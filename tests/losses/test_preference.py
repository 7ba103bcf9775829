"""Closed-form facts of the preference losses."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from suite import losses

ZERO = torch.zeros(1, dtype=torch.float64)
Pair = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def pair(rho_w: float, rho_l: float) -> Pair:
    """Log-probabilities whose log-ratios are the given ones."""
    return ZERO - 9 + rho_w, ZERO - 7 + rho_l, ZERO - 9, ZERO - 7


def slopes(
    loss: Callable[..., torch.Tensor], rho_w: float, rho_l: float, **settings: float
) -> tuple[float, float]:
    """Derivatives in log-ratio of the chosen and of the rejected answer."""
    lw, ll, ref_w, ref_l = pair(rho_w, rho_l)
    lw.requires_grad_()
    ll.requires_grad_()
    d_w, d_l = torch.autograd.grad(loss(lw, ll, ref_w, ref_l, **settings).sum(), (lw, ll))
    return d_w.item(), d_l.item()


@pytest.mark.parametrize(
    ("loss", "settings", "start"),
    [
        (losses.dpo, {"beta": 0.1}, math.log(2)),
        (losses.dpo, {"beta": 0.1, "divergence": losses.forward_kl}, math.log(2)),
        (losses.dpo, {"beta": 0.1, "divergence": losses.jensen_shannon}, math.log(2)),
        (losses.dpo, {"beta": 0.1, "divergence": losses.alpha_divergence(0.3)}, math.log(2)),
        (losses.cdpo, {"beta": 0.1, "label_smoothing": 0.1}, math.log(2)),
        (losses.robust_dpo, {"beta": 0.1, "label_smoothing": 0.1}, math.log(2)),
        (losses.dpop, {"beta": 0.3, "penalty": 50.0}, math.log(2)),
        (losses.ipo, {"tau": 0.1}, 25.0),
        (losses.ipo, {"tau": 0.5}, 1.0),
        (losses.ipo_mean, {"tau": 0.1}, 25.0),
        (losses.rso_hinge, {"beta": 0.1}, 1.0),
        (losses.exo, {"label_smoothing": 0.1}, math.log(0.5 / 0.9) / 2 + math.log(0.5 / 0.1) / 2),
        (losses.nca, {}, 2 * math.log(2)),
        (losses.bco, {}, 2 * math.log(2)),
        (losses.sppo_hard, {"beta": 0.1}, 50.0),
        (losses.apo_zero, {}, 1.0),
        (losses.apo_down, {}, 1.0),
        (losses.discopop, {}, (math.log(2) + 1) / 2),
        (losses.aot, {}, math.log(2)),
        (losses.idk_dpo, {"beta": 0.1}, 20 * math.log(2)),
    ],
)
def test_value_at_the_start(
    loss: Callable[..., torch.Tensor], settings: dict[str, float], start: float
) -> None:
    """Policy = reference: one number, whatever the texts."""
    assert loss(*pair(0, 0), **settings).item() == pytest.approx(start, rel=1e-14)


@pytest.mark.parametrize("eps", [0.01, 0.1, 0.4])
def test_cdpo_rests_where_sigma_is_one_minus_eps(eps: float) -> None:
    beta = 0.2
    rest = math.log((1 - eps) / eps) / beta
    below, at, above = (
        slopes(losses.cdpo, rest + step, 0.0, beta=beta, label_smoothing=eps)[0]
        for step in (-0.01, 0, 0.01)
    )

    assert below < -1e-6
    assert abs(at) < 1e-15
    assert above > 1e-6


def test_robust_dpo_expects_the_clean_loss() -> None:
    """Labels flipped with probability eps: the mean over flips is DPO on the true label."""
    lw, ll, ref_w, ref_l = pair(1.7, -0.4)
    eps = 0.3
    right = losses.robust_dpo(lw, ll, ref_w, ref_l, beta=0.5, label_smoothing=eps)
    flipped = losses.robust_dpo(ll, lw, ref_l, ref_w, beta=0.5, label_smoothing=eps)

    torch.testing.assert_close(
        (1 - eps) * right + eps * flipped, losses.dpo(lw, ll, ref_w, ref_l, beta=0.5)
    )


def test_without_smoothing_conservative_and_robust_are_dpo() -> None:
    for loss in (losses.cdpo, losses.robust_dpo):
        torch.testing.assert_close(
            loss(*pair(2, -1), label_smoothing=0.0), losses.dpo(*pair(2, -1))
        )


@pytest.mark.parametrize("rho_w", [0.0, 0.5, 4.0])
def test_dpop_is_dpo_while_the_chosen_answer_gains(rho_w: float) -> None:
    torch.testing.assert_close(
        losses.dpop(*pair(rho_w, -1.0), beta=0.3), losses.dpo(*pair(rho_w, -1.0), beta=0.3)
    )


@pytest.mark.parametrize("penalty", [1.0, 50.0])
def test_dpop_steepens_by_one_plus_lambda_where_the_chosen_answer_loses(penalty: float) -> None:
    """With rho_w < 0 the logit is beta [(1 + lambda) rho_w - rho_l]; both sides meet at 0."""
    beta, rho_w, rho_l = 0.3, -0.02, -0.5
    logit = beta * ((1 + penalty) * rho_w - rho_l)
    value = losses.dpop(*pair(rho_w, rho_l), beta=beta, penalty=penalty).item()
    d_w, d_l = slopes(losses.dpop, rho_w, rho_l, beta=beta, penalty=penalty)

    assert value == pytest.approx(math.log1p(math.exp(-logit)), rel=1e-12)
    assert d_w / d_l == pytest.approx(-(1 + penalty), rel=1e-12)
    left, right = (
        losses.dpop(*pair(s, rho_l), beta=beta, penalty=penalty).item() for s in (-1e-9, 1e-9)
    )
    assert left == pytest.approx(right, abs=1e-6)
    just_below, just_above = (
        slopes(losses.dpop, s, rho_l, beta=beta, penalty=penalty)[0] for s in (-1e-9, 1e-9)
    )
    assert just_below / just_above == pytest.approx(1 + penalty, rel=1e-6)


def test_token_gradients_after_an_edit() -> None:
    """Behind an edit DPO pushes logit j by s_j^l - s_j^w; DPOP adds lambda (1 - s_i^w) to the true
    token i.

    The contexts w and l differ, token i does not: one shared logit vector, plus each context's
    offset.
    """
    generator = torch.Generator().manual_seed(0)
    after_w, after_l = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    shared = torch.zeros(5, dtype=torch.float64, requires_grad=True)
    i, beta, penalty = 2, 0.3, 50.0
    lw = (after_w + shared).log_softmax(-1)[i].reshape(1)
    ll = (after_l + shared).log_softmax(-1)[i].reshape(1)
    references = lw.detach() + 0.05, ll.detach() - 0.02  # rho_w = -0.05, rho_l = 0.02

    def direction(
        loss: Callable[..., torch.Tensor], pull: float, **settings: float
    ) -> torch.Tensor:
        value = loss(lw, ll, *references, beta=beta, **settings)
        return -torch.autograd.grad(value, shared, retain_graph=True)[0] / (beta * pull)

    s_w, s_l, hot = after_w.softmax(-1), after_l.softmax(-1), torch.eye(5, dtype=torch.float64)[i]
    dpo_pull = 1 / (1 + math.exp(beta * -0.07))
    dpop_pull = 1 / (1 + math.exp(beta * (-0.07 - penalty * 0.05)))
    torch.testing.assert_close(direction(losses.dpo, dpo_pull), s_l - s_w)
    expected = s_l - s_w + penalty * (hot - s_w)
    torch.testing.assert_close(direction(losses.dpop, dpop_pull, penalty=penalty), expected)


def test_divergences_start_at_zero_with_slope_one() -> None:
    """Near the start every f-divergence is the reverse KL, so its beta means the same."""
    for score in (
        losses.reverse_kl,
        losses.forward_kl,
        losses.alpha_divergence(0.3),
        losses.divergence("alpha", 0.9),
    ):
        at = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        value = score(at)
        assert value.item() == 0
        assert torch.autograd.grad(value.sum(), at)[0].item() == 1


def test_jensen_shannon_has_half_the_slope() -> None:
    at = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    value = losses.jensen_shannon(at)

    assert value.item() == 0
    assert torch.autograd.grad(value.sum(), at)[0].item() == 0.5


def test_alpha_divergence_joins_reverse_and_forward_kl() -> None:
    logratios = torch.linspace(-3, 3, 13, dtype=torch.float64)

    torch.testing.assert_close(
        losses.alpha_divergence(1e-7)(logratios), losses.reverse_kl(logratios), rtol=0, atol=1e-5
    )
    torch.testing.assert_close(
        losses.alpha_divergence(1 - 1e-7)(logratios),
        losses.forward_kl(logratios),
        rtol=0,
        atol=1e-4,
    )


def test_length_normalised_dpo_is_dpo_on_means() -> None:
    """beta on means of n tokens acts as beta / n on sums."""
    sums, n = pair(3.0, -2.0), 20
    torch.testing.assert_close(
        losses.dpo(*(s / n for s in sums), beta=2.0), losses.dpo(*sums, beta=0.1)
    )


def test_exo_rests_where_the_policy_gives_the_smoothed_labels() -> None:
    eps, beta = 0.1, 0.3
    rest = math.log((1 - eps) / eps) / beta

    assert losses.exo(*pair(rest, 0), beta=beta, label_smoothing=eps).item() == pytest.approx(
        0, abs=1e-15
    )
    assert slopes(losses.exo, rest, 0.0, beta=beta, label_smoothing=eps)[0] == pytest.approx(
        0, abs=1e-15
    )


def test_sppo_rests_half_a_step_apart() -> None:
    assert losses.sppo_hard(*pair(5.0, -5.0), beta=0.1).item() == 0


def test_aot_sees_distributions_and_not_pairs() -> None:
    generator = torch.Generator().manual_seed(1)
    lw, ll, ref_w, ref_l = -9 + torch.randn(4, 8, generator=generator, dtype=torch.float64)
    shuffled = torch.randperm(8, generator=generator)
    mixed = lw, ll, ref_w[shuffled], ref_l[shuffled]

    torch.testing.assert_close(losses.aot(*mixed), losses.aot(lw, ll, ref_w, ref_l))
    assert abs(losses.dpo(*mixed).sum() - losses.dpo(lw, ll, ref_w, ref_l).sum()) > 1e-4


def test_bco_delta_is_the_running_mean_over_steps() -> None:
    rewards = torch.randn(3, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    delta, seen = 0.0, 0
    for step in rewards:
        delta, seen = losses.bco_delta(delta, seen, step)

    assert seen == 24
    assert delta == pytest.approx(rewards.mean().item(), rel=1e-12)


def test_kto_z0_is_never_negative_and_has_no_gradient() -> None:
    mismatched = torch.tensor([-4.0, -6.0]).requires_grad_()
    above = losses.kto_z0(mismatched, torch.tensor([-5.0, -8.0]))
    below = losses.kto_z0(mismatched, torch.tensor([-3.0, -5.0]))

    assert (above.item(), below.item()) == (1.5, 0.0)
    assert not above.requires_grad
    with pytest.raises(ValueError, match="at least 2"):
        losses.kto_z0(mismatched[:1], mismatched[:1])


def test_only_reward_differences_are_identified_unless_centred() -> None:
    lw, ll = (
        torch.tensor([1.0, -0.5], dtype=torch.float64),
        torch.tensor([0.2, 0.3], dtype=torch.float64),
    )

    torch.testing.assert_close(losses.reward_model(lw + 7, ll + 7), losses.reward_model(lw, ll))
    assert (
        losses.reward_model(lw + 7, ll + 7, centering=0.01)
        > losses.reward_model(lw, ll, centering=0.01)
    ).all()


def test_orpo_at_equal_answers() -> None:
    m = torch.tensor([-0.7], dtype=torch.float64)
    assert losses.orpo(m, m, odds_ratio_weight=0.1).item() == pytest.approx(0.7 + 0.1 * math.log(2))


def test_simpo_gamma_is_ratio_times_beta() -> None:
    lw, ll = torch.tensor([-0.5], dtype=torch.float64), torch.tensor([-0.75], dtype=torch.float64)
    assert losses.simpo(lw, ll, beta=2.0, gamma_beta_ratio=0.25).item() == pytest.approx(
        math.log(2), rel=1e-14
    )
