"""Every loss against its equation in NumPy:
values, and gradients against finite differences of it.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from loss_cases import CASES, Array, Case, draw

from suite import losses


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_value(name: str, seed: int) -> None:
    case = CASES[name]
    args = draw(case, seed)

    value = case(*map(torch.from_numpy, args))

    assert value.dtype == torch.float64
    np.testing.assert_allclose(
        value.numpy(), case.equation(*args, **case.settings), rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    case = CASES[name]
    args = draw(case, seed=2)
    tensors = [torch.from_numpy(a).requires_grad_() for a in args]

    gradients = torch.autograd.grad(case(*tensors).sum(), tensors)

    for position, gradient in enumerate(gradients):
        np.testing.assert_allclose(
            gradient.numpy(), slope(case, args, position), rtol=1e-6, atol=1e-8
        )


def slope(case: Case, args: list[Array], position: int, step: float = 1e-5) -> Array:
    """Central differences of the summed equation in each element of one argument."""
    result = np.zeros_like(args[position])
    for i in range(len(result)):
        sums = []
        for sign in (1, -1):
            moved = [a.copy() for a in args]
            moved[position][i] += sign * step
            sums.append(case.equation(*moved, **case.settings).sum())
        result[i] = (sums[0] - sums[1]) / (2 * step)
    return result


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.row_wise and name != "kto"]
)
def test_rows_are_independent(name: str) -> None:
    """One batch of six, or micro-batches of four and two: the same rows."""
    case = CASES[name]
    args = [torch.from_numpy(a) for a in draw(case, seed=3)]

    parts = [case(*(a[:4] for a in args)), case(*(a[4:] for a in args))]

    torch.testing.assert_close(torch.cat(parts), case(*args), rtol=1e-14, atol=0)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.row_wise])
def test_sorting_couples_rows(name: str) -> None:
    """What the docstring of AOT warns of: micro-batches change the loss."""
    case = CASES[name]
    args = [torch.from_numpy(a) for a in draw(case, seed=0)]

    parts = torch.cat([case(*(a[:4] for a in args)), case(*(a[4:] for a in args))])

    assert abs(parts.mean() - case(*args).mean()) > 1e-3


def test_every_loss_is_covered() -> None:
    """A loss that is added without an equation fails here.

    The other names are tested in their own files.
    """
    elsewhere = {
        *(
            "Divergence",
            "Psi",
            "log_odds",
            "alpha_divergence",
            "divergence",
            "forward_kl",
            "jensen_shannon",
            "reverse_kl",
        ),
        *(
            "alt_po",
            "ga",
            "nll",
            "sft",
            "preferred_ft",
            "idk_sft",
            "wga",
            "satimp",
            "rmu",
            "rmu_control",
            "dual_ascent",
            "adaptive_kl_coef",
            "clipped_surrogate",
            "clipped_value",
            "gae",
            "grpo_advantages",
            "rloo_advantages",
            "sampled_kl",
            "token_rewards",
            "whiten",
            "logistic",
        ),
        *("ce_u", "kl", "pdu", "undial", "kto_z0", "bco_delta", "expected_psi"),
    }
    covered = {name.split("_smoothed")[0].split("_floor")[0] for name in CASES}

    assert set(losses.__all__) - elsewhere <= covered
