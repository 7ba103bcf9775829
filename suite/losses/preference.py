"""Preference losses over beta (score of the winner - score of the loser): DPO and its relatives.

B pairs; log-probabilities are sums over completion tokens, in nats. rho = log pi_theta(y|x) - log
pi_ref(y|x) of the chosen (w) or rejected (l) answer, h = rho_w - rho_l, sigma the logistic
function.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from suite.losses import checks
from suite.losses.divergences import Divergence, reverse_kl
from suite.losses.numerics import tangent_exp

if TYPE_CHECKING:
    from torch import Tensor


def log_ratios(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return rho_w and rho_l, each (B,), after checking the four."""
    checks.alike(
        chosen_logps=chosen_logps,
        rejected_logps=rejected_logps,
        ref_chosen_logps=ref_chosen_logps,
        ref_rejected_logps=ref_rejected_logps,
    )
    return chosen_logps - ref_chosen_logps, rejected_logps - ref_rejected_logps


def logistic(winner: Tensor | None, loser: Tensor | None, *, beta: float) -> Tensor:
    """-log sigma(beta (winner - loser)), where a missing side counts as 0. Shape: (B,).

    With both sides this is DPO; with a loser only it is beta / 2 times NPO.
    """
    checks.positive(beta=beta)
    if winner is None:
        if loser is None:
            raise ValueError("a preference needs a winner, a loser or both")
        return -F.logsigmoid(-beta * loser)
    return -F.logsigmoid(beta * (winner if loser is None else winner - loser))


def smoothed_logistic(margin: Tensor, *, beta: float, label_smoothing: float) -> Tensor:
    """-(1 - eps) log sigma(beta m) - eps log sigma(-beta m), eps = label_smoothing. Shape: (B,)."""
    checks.smoothing(label_smoothing)
    right, wrong = logistic(margin, None, beta=beta), logistic(None, margin, beta=beta)
    return (1 - label_smoothing) * right + label_smoothing * wrong


def dpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    divergence: Divergence = reverse_kl,
) -> Tensor:
    """DPO: -log sigma(beta h). Shape: (B,). Source: arXiv 2305.18290.

    Length-normalised DPO (arXiv 2411.15124) is this function on log-probabilities per token, with a
    beta about 50 times as large. `label_smoothing` gives cDPO; `divergence` another regulariser
    than the reverse KL.
    """
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    margin = divergence(rho_w) - divergence(rho_l)
    return smoothed_logistic(margin, beta=beta, label_smoothing=label_smoothing)


def cdpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float,
) -> Tensor:
    """Conservative DPO: -(1 - eps) log sigma(beta h) - eps log sigma(-beta h). Shape: (B,).

    A share eps of the labels is taken to be wrong; the gradient is 0 exactly where
    sigma(beta h) = 1 - eps. Source: E. Mitchell, "A note on DPO with noisy preferences" (2023).
    """
    return dpo(
        chosen_logps,
        rejected_logps,
        ref_chosen_logps,
        ref_rejected_logps,
        beta=beta,
        label_smoothing=label_smoothing,
    )


def robust_dpo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float,
) -> Tensor:
    """Robust DPO: [-(1 - eps) log sigma(beta h) + eps log sigma(-beta h)] / (1 - 2 eps).

    Shape: (B,). If a share eps of the labels is flipped, its expectation is DPO's loss on clean
    labels. Source: arXiv 2403.00409.
    """
    checks.smoothing(label_smoothing)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    right, wrong = logistic(rho_w, rho_l, beta=beta), logistic(rho_l, rho_w, beta=beta)
    return ((1 - label_smoothing) * right - label_smoothing * wrong) / (1 - 2 * label_smoothing)


def dpop(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.3,
    penalty: float = 50.0,
) -> Tensor:
    """DPO-Positive: -log sigma(beta [rho_w - rho_l - penalty max(0, -rho_w)]). Shape: (B,).

    The penalty stands inside beta(...): .3 x 50 is 15 per nat that the chosen answer lost. With
    rho_w >= 0 it is DPO. Source: arXiv 2402.13228 (its first version misplaced the bracket).
    """
    checks.non_negative(penalty=penalty)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return logistic(rho_w - penalty * F.relu(-rho_w), rho_l, beta=beta)


def rso_hinge(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
) -> Tensor:
    """RSO's hinge: max(0, 1 - beta h). Shape: (B,). Source: arXiv 2309.06657.

    TRL calls it `hinge`. It is not SLiC, which has no reference (see `slic`).
    """
    checks.positive(beta=beta)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return F.relu(1 - beta * (rho_w - rho_l))


def exo(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    label_smoothing: float = 1e-3,
) -> Tensor:
    """EXO for pairs: KL(q || p) with q = (sigma(beta h), sigma(-beta h)), p = (1 - eps, eps).

    Shape: (B,). eps = label_smoothing must be above 0, or the divergence is infinite. Source: arXiv
    2402.00856, equation 16.
    """
    checks.positive(label_smoothing=label_smoothing)
    checks.smoothing(label_smoothing)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    log_q_w, log_q_l = -logistic(rho_w, rho_l, beta=beta), -logistic(rho_l, rho_w, beta=beta)
    to_w = torch.exp(log_q_w) * (log_q_w - math.log1p(-label_smoothing))
    return to_w + torch.exp(log_q_l) * (log_q_l - math.log(label_smoothing))


def discopop(
    chosen_logps: Tensor,
    rejected_logps: Tensor,
    ref_chosen_logps: Tensor,
    ref_rejected_logps: Tensor,
    *,
    beta: float = 0.1,
    tau: float = 0.05,
) -> Tensor:
    """DiscoPOP: (1 - g) (-log sigma(z)) + g e^-z, z = beta h, gate g = sigma(z / tau). Shape: (B,).

    Source: arXiv 2406.08414, equation 5.
    """
    checks.positive(beta=beta, tau=tau)
    rho_w, rho_l = log_ratios(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    z = beta * (rho_w - rho_l)
    # The gate's logarithm goes into the exponent: computed apart, e^-z would overflow where the
    # gate closes, and inf x 0 is NaN.
    gated_exponential = tangent_exp(F.logsigmoid(z / tau) - z)
    return gated_exponential - torch.sigmoid(-z / tau) * F.logsigmoid(z)
