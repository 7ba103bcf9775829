"""TRL's own loss code, run on given log-probabilities: no model, no data set, no constructor.

Each function builds the trainer without `__init__`, sets what its loss reads, and hands it a
stand-in for the model.
"""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor


def _accelerator() -> SimpleNamespace:
    return SimpleNamespace(
        device=torch.device("cpu"), gather=lambda x: x, gather_for_metrics=lambda x: x
    )


def _bare(trainer: type, **attributes: Any) -> Any:
    bare = object.__new__(trainer)
    common = {
        "model": SimpleNamespace(training=False),
        "accelerator": _accelerator(),
        "aux_loss_enabled": False,
        "precompute_ref_logps": True,
        "_metrics": {"eval": defaultdict(list)},
        "_total_train_tokens": 0,
    }
    bare.__dict__.update(common | attributes)
    return bare


def spread(logps: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Spread sums evenly over the completion tokens, behind one prompt token:
    (B, T) and mask (B, T + 1).
    """
    mask = torch.arange(int(lengths.max())) < lengths[:, None]
    prompt = torch.zeros(len(lengths), 1, dtype=torch.long)
    return mask * (logps / lengths)[:, None], torch.cat([prompt, mask.long()], dim=1)


def _forward(token_logps: Tensor) -> Any:
    """A model that answers any input with these log-probabilities."""
    zeros = torch.zeros_like(token_logps)
    outputs = SimpleNamespace(
        log_probs=token_logps,
        entropy=zeros,
        mean_logits=zeros,
        log_sum_sq_probs=zeros,
        is_top1=zeros.bool(),
    )
    return lambda **_: outputs


def _inputs(mask: Tensor) -> dict[str, Tensor]:
    return {
        "input_ids": torch.ones_like(mask),
        "attention_mask": torch.ones_like(mask),
        "completion_mask": mask,
    }


def dpo(
    loss_type: str,
    args: list[Tensor],
    *,
    beta: float,
    lengths: Tensor | None = None,
    label_smoothing: float = 0.0,
    f_divergence: str = "reverse_kl",
    f_alpha: float = 0.5,
    discopop_tau: float = 0.05,
) -> Tensor:
    """`DPOTrainer`'s mean loss of (chosen, rejected, reference chosen, reference rejected) sums."""
    from trl import DPOTrainer

    chosen, rejected, ref_chosen, ref_rejected = args
    lengths = torch.ones(2 * len(chosen), dtype=torch.long) if lengths is None else lengths
    token_logps, mask = spread(torch.cat([chosen, rejected]), lengths)
    trainer = _bare(
        DPOTrainer,
        args=SimpleNamespace(discopop_tau=discopop_tau),
        beta=beta,
        label_smoothing=label_smoothing,
        loss_types=[loss_type],
        loss_weights=[1.0],
        f_divergence_type=f_divergence,
        f_alpha_divergence_coef=f_alpha,
        ld_alpha=None,
        use_weighting=False,
    )
    inputs = _inputs(mask) | {"ref_chosen_logps": ref_chosen, "ref_rejected_logps": ref_rejected}
    loss = trainer._compute_loss(_forward(token_logps), inputs, return_outputs=False)
    assert isinstance(loss, Tensor)
    return loss


def kto(
    args: list[Tensor],
    mismatched: tuple[Tensor, Tensor],
    desirable: Tensor,
    *,
    beta: float,
    desirable_weight: float,
    undesirable_weight: float,
) -> Tensor:
    """`KTOTrainer`'s mean loss of (policy, reference) sums.

    `mismatched`: the same of mismatched answers.
    """
    from trl import KTOTrainer

    policy, reference = args
    token_logps, mask = spread(policy, torch.ones(len(policy), dtype=torch.long))
    trainer = _bare(
        KTOTrainer,
        beta=beta,
        loss_type="kto",
        desirable_weight=desirable_weight,
        undesirable_weight=undesirable_weight,
        calculate_KL=True,
        _compute_kl_logps=lambda *_: mismatched[0],
    )
    inputs = _inputs(mask) | {
        "label": desirable,
        "ref_logps": reference,
        "ref_KL_logps": mismatched[1],
    }
    loss = trainer._compute_loss(_forward(token_logps), inputs, return_outputs=False)
    assert isinstance(loss, Tensor)
    return loss


def reward(
    chosen: Tensor, rejected: Tensor, margin: Tensor | None, centering: float | None
) -> Tensor:
    """`RewardTrainer`'s mean loss."""
    from trl import RewardTrainer

    trainer = _bare(RewardTrainer, args=SimpleNamespace(center_rewards_coefficient=centering))
    outputs = SimpleNamespace(logits=torch.cat([chosen, rejected])[:, None])
    inputs = {} if margin is None else {"margin": margin}
    loss = trainer.compute_loss(lambda **_: outputs, inputs)
    assert isinstance(loss, Tensor)
    return loss


def cpo(loss_type: str, chosen: Tensor, rejected: Tensor, **attributes: float) -> Tensor:
    """`CPOTrainer.cpo_loss`, per row, without its likelihood term."""
    from trl.experimental.cpo import CPOTrainer

    settings = {"alpha": 0.0, "label_smoothing": 0.0, "simpo_gamma": 0.0} | attributes
    rows = _bare(CPOTrainer, loss_type=loss_type, **settings).cpo_loss(chosen, rejected)[0]
    assert isinstance(rows, Tensor)
    return rows


def orpo(chosen_mean: Tensor, rejected_mean: Tensor, beta: float) -> Tensor:
    """`ORPOTrainer.odds_ratio_loss`, per row:
    what the trainer subtracts from its likelihood term.
    """
    from trl.experimental.orpo import ORPOTrainer

    rows = _bare(ORPOTrainer, beta=beta).odds_ratio_loss(chosen_mean, rejected_mean)[0]
    assert isinstance(rows, Tensor)
    return rows
