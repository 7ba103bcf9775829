"""Every training objective, as pure functions of torch tensors.

    per_example = losses.npo(policy_logps, reference_logps, beta=0.1)  # (B,), nats
    loss = per_example.mean()

Log-probabilities are sums over completion tokens (end-of-sequence in, prompt out), natural
logarithms, unless the argument's name says mean. `beta` is an inverse temperature, `tau` a
temperature; neither is the weight of a loss. The losses of grad_diff and kl_min are `ga` plus a
weight times `nll` or `kl`, those of npo_rt and npo_kl `npo` plus the same; a task vector has no
loss.

Every loss is finite and has a finite gradient at log-ratios of +-10,000 nats, raises ValueError for
arguments that make no sense, and treats rows independently, so that cutting a step into
micro-batches changes nothing. These depend on the whole batch, and their docstrings say so: `aot`,
`kto_z0`, `bco_delta`, `dual_ascent`.
"""

from suite.losses.divergences import (
    Divergence,
    alpha_divergence,
    divergence,
    forward_kl,
    jensen_shannon,
    reverse_kl,
)
from suite.losses.numerics import log_odds
from suite.losses.online import (
    adaptive_kl_coef,
    clipped_surrogate,
    clipped_value,
    gae,
    grpo_advantages,
    rloo_advantages,
    sampled_kl,
    token_rewards,
    whiten,
)
from suite.losses.preference import cdpo, discopop, dpo, dpop, exo, logistic, robust_dpo, rso_hinge
from suite.losses.psi import Psi, expected_psi, ipo, ipo_mean, psipo
from suite.losses.reference_free import cpo, orpo, simpo, slic, unlikelihood
from suite.losses.rewards import apo_down, apo_zero, bco, bco_delta, nca, reward_model, sppo_hard
from suite.losses.transport import aot
from suite.losses.unlearning import (
    alt_po,
    dual_ascent,
    ga,
    idk_dpo,
    idk_sft,
    nll,
    npo,
    preferred_ft,
    rmu,
    rmu_control,
    satimp,
    sft,
    simnpo,
    wga,
)
from suite.losses.unpaired import kto, kto_z0
from suite.losses.vocabulary import ce_u, kl, pdu, undial

__all__ = [
    "Divergence",
    "Psi",
    "adaptive_kl_coef",
    "alpha_divergence",
    "alt_po",
    "aot",
    "apo_down",
    "apo_zero",
    "bco",
    "bco_delta",
    "cdpo",
    "ce_u",
    "clipped_surrogate",
    "clipped_value",
    "cpo",
    "discopop",
    "divergence",
    "dpo",
    "dpop",
    "dual_ascent",
    "exo",
    "expected_psi",
    "forward_kl",
    "ga",
    "gae",
    "grpo_advantages",
    "idk_dpo",
    "idk_sft",
    "ipo",
    "ipo_mean",
    "jensen_shannon",
    "kl",
    "kto",
    "kto_z0",
    "log_odds",
    "logistic",
    "nca",
    "nll",
    "npo",
    "orpo",
    "pdu",
    "preferred_ft",
    "psipo",
    "reverse_kl",
    "reward_model",
    "rloo_advantages",
    "rmu",
    "rmu_control",
    "robust_dpo",
    "rso_hinge",
    "sampled_kl",
    "satimp",
    "sft",
    "simnpo",
    "simpo",
    "slic",
    "sppo_hard",
    "token_rewards",
    "undial",
    "unlikelihood",
    "wga",
    "whiten",
]
