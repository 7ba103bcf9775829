"""Step-down max-T: exact in small cases; family-wise error and power by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from suite.stats.clustered import Clustered, Part, ks_distances, means
from suite.stats.exchange import exchange_test
from suite.stats.max_t import max_t, smallest_pvalue
from suite.stats.multiple import holm

METHODS, AUTHORS, EACH = 6, 10, 10
CODES = np.repeat(np.arange(AUTHORS), EACH)


def distances(shifts: tuple[float, ...], seed: int) -> dict[str, Clustered]:
    """Methods whose truth ratios are shifted against the retrain model's; authors differ."""
    rng = np.random.default_rng(seed)
    author = rng.normal(0, 0.5, AUTHORS)[CODES] + rng.normal(0, 0.5, len(CODES))
    retrain = Part((author + rng.normal(0, 0.5, len(CODES)))[None], CODES, "forget")
    found = {}
    for number, shift in enumerate(shifts):
        own = author + shift + rng.normal(0, 0.2, AUTHORS)[CODES] + rng.normal(0, 0.5, len(CODES))
        found[f"m{number}"] = ks_distances(Part(own[None], CODES, "forget"), retrain, AUTHORS)
    return found


def shares(shifts: tuple[float, ...], times: int) -> tuple[float, float, float]:
    """(Family-wise error, power, power of Holm over exact exchanges), at .05."""
    wrong = power = by_holm = 0.0
    different = [
        (f"m{i}", f"m{j}")
        for i, j in itertools.combinations(range(len(shifts)), 2)
        if shifts[i] != shifts[j]
    ]
    for seed in range(times):
        models = distances(shifts, seed)
        found = max_t(models, n_permutations=400, seed=seed)
        real = {pair for pair, p in found.items() if p < 0.05}
        wrong += bool(real - set(different))
        if different:
            power += len(real & set(different)) / len(different)
            # Holm's correction for 272 comparisons, as on a page with 17 methods.
            pvalues = [exchange_test(models[a], models[b]).pvalue for a, b in different]
            corrected = holm([*pvalues, *[1.0] * (272 - len(pvalues))])
            by_holm += float((corrected[: len(pvalues)] < 0.05).mean())
    return wrong / times, power / times, by_holm / times


@pytest.mark.parametrize("shifts", [(0.0,) * 6, (0.5,) * 6, (0.0, 0.0, 0.0, 1.5, 1.5, 3.0)])
def test_family_wise_error(shifts: tuple[float, ...]) -> None:
    """Nothing differs; or some methods do and the others are still not parted."""
    assert shares(shifts, 60)[0] <= 0.05 + 2 * (0.05 * 0.95 / 60) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    "shifts", [(0.0,) * 6, (0.5,) * 6, (0.0, 0.0, 0.0, 1.5, 1.5, 3.0), (0.3, 0.3, 0.9, 0.9, 3, 3)]
)
def test_family_wise_error_closely(shifts: tuple[float, ...]) -> None:
    assert shares(shifts, 500)[0] <= 0.05 + 2 * (0.05 * 0.95 / 500) ** 0.5


def test_power_where_holm_has_none() -> None:
    _, power, by_holm = shares((0.0, 0.0, 0.0, 1.5, 1.5, 1.5), 20)
    assert by_holm == 0.0
    assert power > 0.8


def test_two_methods_are_the_exchange_test() -> None:
    rng = np.random.default_rng(0)
    models = {
        name: means(
            [Part(rng.normal(shift, 1, (2, len(CODES))), CODES, "")],
            {"": AUTHORS},
            lambda found: found.mean(axis=-1),
        )
        for name, shift in (("a", 0.0), ("b", 0.15))
    }
    exact = exchange_test(models["a"], models["b"]).pvalue
    assert max_t(models)["a", "b"] == pytest.approx(exact, abs=0.03)
    assert max_t(models, least=1.0)["a", "b"] == 1.0


def test_groups_that_differ_are_not_mixed() -> None:
    """A collapsed method does not hide what parts the others."""
    shifts = (0.0, 0.0, 0.0, 1.5, 1.5)
    alone = max_t(distances(shifts, 1), seed=1)
    beside = max_t(distances((*shifts, 30.0), 1), seed=1)
    assert alone["m0", "m3"] < 0.05
    assert beside["m0", "m3"] < 0.05 and beside["m0", "m5"] < 0.05


def test_the_smallest_p() -> None:
    assert smallest_pvalue(2, 5) == pytest.approx(2 / 2**5)
    assert smallest_pvalue(17, 10) == pytest.approx(1 / 5001)
    assert smallest_pvalue(3, 2) > 0.05
