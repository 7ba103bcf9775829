"""The public names of the losses and of their arguments:
what is called from outside must not drift.
"""

from __future__ import annotations

import inspect

import pytest

from suite import losses

PAIR = "chosen_logps rejected_logps ref_chosen_logps ref_rejected_logps"
SIGNATURES = {
    **dict.fromkeys(["dpo", "cdpo"], f"{PAIR} * beta label_smoothing"),
    **dict.fromkeys(["robust_dpo", "exo"], f"{PAIR} * beta label_smoothing"),
    **dict.fromkeys(
        ["rso_hinge", "nca", "bco", "sppo_hard", "apo_zero", "apo_down", "discopop"],
        f"{PAIR} * beta",
    ),
    **dict.fromkeys(["idk_dpo", "alt_po", "aot"], f"{PAIR} * beta"),
    "ipo": f"{PAIR} * tau",
    "ipo_mean": (
        "chosen_mean_logps rejected_mean_logps ref_chosen_mean_logps ref_rejected_mean_logps * tau"
    ),
    "psipo": f"{PAIR} chosen_psi rejected_psi * tau",
    "dpop": f"{PAIR} * beta penalty",
    "slic": "chosen_logps rejected_logps chosen_mean_logps * delta nll_weight",
    "cpo": "chosen_logps rejected_logps chosen_mean_logps * beta alpha",
    "unlikelihood": "chosen_logps rejected_logps * alpha",
    "simpo": "chosen_mean_logps rejected_mean_logps * beta gamma_beta_ratio",
    "orpo": "chosen_mean_logps rejected_mean_logps * odds_ratio_weight",
    "kto": "policy_logps reference_logps desirable z0 * beta desirable_weight undesirable_weight",
    "reward_model": "chosen_rewards rejected_rewards margin * centering",
    "npo": "policy_logps reference_logps * beta",
    "simnpo": "mean_logps * beta margin",
    **dict.fromkeys(["ga", "nll", "sft", "preferred_ft", "idk_sft"], "logps *"),
    "wga": "token_logps * beta",
    "satimp": "token_logps * beta1 beta2",
    "rmu": "hidden target *",
    "undial": "logits reference_logits labels * beta",
    "ce_u": "logits labels *",
    "pdu": "logits *",
    "kl": "reference_logits logits *",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_arguments_have_the_fields_names(name: str) -> None:
    """Tensors by position in this order, settings by keyword; further settings have defaults."""
    tensors, _, settings = SIGNATURES[name].partition("*")
    parameters = inspect.signature(getattr(losses, name)).parameters.values()
    by_position = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_keyword = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert by_position == tensors.split()
    assert set(settings.split()) <= set(by_keyword)
    assert all(
        by_keyword[more] is not inspect.Parameter.empty
        for more in set(by_keyword) - set(settings.split())
    )
    assert name in losses.__all__
