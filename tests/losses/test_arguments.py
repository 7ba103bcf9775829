"""Arguments that make no sense are refused in one clear line."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from loss_cases import CASES, draw

import suite
from suite import losses

WRONG: dict[str, tuple[float, ...]] = {
    "beta": (0.0, -0.1, math.nan, math.inf),
    "tau": (0.0, -1.0, math.nan),
    "label_smoothing": (-0.01, 0.5, 1.0, math.nan),
    "penalty": (-1.0, math.nan),
    "alpha": (-0.1, math.nan),
    "floor": (0.0, 3.0, math.nan),
    "nll_weight": (-0.1, math.inf),
    "odds_ratio_weight": (-0.1,),
    "gamma_beta_ratio": (-0.1,),
    "centering": (-0.1,),
    "desirable_weight": (-1.0,),
    "undesirable_weight": (-1.0,),
    "margin": (math.nan, math.inf),
}


def settings_and_wrong_values() -> list[tuple[str, str, float]]:
    return [
        (case, setting, value)
        for case in CASES
        for setting in CASES[case].settings
        for value in WRONG.get(setting, ())
    ]


@pytest.mark.parametrize(("name", "setting", "value"), settings_and_wrong_values())
def test_settings_out_of_range(name: str, setting: str, value: float) -> None:
    case = CASES[name]
    args = [torch.from_numpy(a) for a in draw(case, 0)]

    with pytest.raises(ValueError, match=rf"^{setting} must be .*{value}$") as caught:
        case.loss(*args, **{**case.settings, setting: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name].kinds) > 1])
def test_shapes_are_never_broadcast(name: str) -> None:
    """(B,) with (B, 1) would make (B, B) losses."""
    case = CASES[name]
    for position in range(len(case.kinds)):
        args = [torch.from_numpy(a) for a in draw(case, 0)]
        args[position] = args[position][:, None]
        with pytest.raises(ValueError, match="shape"):
            case(*args)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.int64])
def test_half_precision_sums_are_refused(name: str, dtype: torch.dtype) -> None:
    case = CASES[name]
    args = [torch.from_numpy(a).to(dtype) for a in draw(case, 0)]

    with pytest.raises(ValueError, match="must be float32 or float64"):
        case(*args)


@pytest.mark.parametrize(
    ("name", "alpha", "message"),
    [
        ("reverse_kl", 0.5, "alpha=0.5 means nothing to the divergence 'reverse_kl'"),
        ("alpha", None, "the alpha divergence needs its alpha"),
        ("alpha", 1.0, "alpha must be in (0, 1), got 1.0"),
        ("alpha", 0.0, "alpha must be in (0, 1), got 0.0"),
        (
            "hellinger",
            None,
            "unknown divergence 'hellinger'; known: alpha, forward_kl, jensen_shannon, reverse_kl",
        ),
    ],
)
def test_divergence_options(name: str, alpha: float | None, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        losses.divergence(name, alpha)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["reverse_kl", "forward_kl", "jensen_shannon"])
def test_divergences_by_name(name: str) -> None:
    assert losses.divergence(name) is getattr(losses, name)


def test_other_refusals() -> None:
    x = torch.zeros(3)
    calls: list[tuple[str, Any]] = [
        ("a winner, a loser or both", lambda: losses.logistic(None, None, beta=1.0)),
        ("desirable must be bool", lambda: losses.kto(x, x, torch.ones(3), 0.0)),
        ("desirable must be bool", lambda: losses.kto(x, x, torch.ones(2, dtype=torch.bool), 0.0)),
        ("z0 must be one number", lambda: losses.kto(x, x, x == 0, x)),
        ("label_smoothing must be positive", lambda: losses.exo(x, x, x, x, label_smoothing=0.0)),
        ("no rewards", lambda: losses.bco_delta(0.0, 0, x[:0])),
        ("delta must be finite", lambda: losses.bco(x, x, x, x, delta=math.nan)),
        ("delta must be positive", lambda: losses.slic(x, x, x, delta=0.0)),
        ("tau must be positive", lambda: losses.psipo(x, x, x, x, x, x, tau=0.0)),
        ("scale must be positive", lambda: losses.rmu_control(4, scale=0.0)),
        ("epsilon must be positive", lambda: losses.dual_ascent(0.0, 1.0, epsilon=0.0)),
        ("beta1 must be non-negative", lambda: losses.satimp(x, beta1=-1.0)),
        ("beta must be non-negative", lambda: losses.wga(x, beta=-1.0)),
        (
            "beta must be positive",
            lambda: losses.undial(x[None], x[None], torch.zeros(1).long(), beta=0.0),
        ),
        ("unknown psi 'log'", lambda: losses.expected_psi(torch.eye(3), x, "log")),
        ("must be square", lambda: losses.expected_psi(torch.ones(2, 3), x)),
    ]
    for message, call in calls:
        with pytest.raises(ValueError, match=message):
            call()


LAZY = """
import sys
from suite import losses
from suite import losses as again
assert "torch" not in sys.modules, "torch came with `from suite import losses`"
import torch
first = losses.npo(torch.zeros(2), torch.zeros(2), beta=0.1)
import suite.losses.preference
assert losses is again is suite.losses is sys.modules["suite.losses"]
assert suite.losses.dpo is suite.losses.preference.dpo
print(first.tolist())
"""


def test_losses_are_handed_out_lazily_and_once() -> None:
    """`from suite import losses` stays light, and two imports are one module, package or not."""
    root = Path(suite.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", LAZY], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[13.86")
