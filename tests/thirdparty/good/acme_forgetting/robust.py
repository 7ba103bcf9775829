"""Is it forgotten, or only hidden? The capitals again, after three more phases.

training     the method forgets
relearned    attack: a little fine-tuning on countries that were to be retained
second       a further forget set, by the same method, from the model that the attack left
noisy        noise on the weights (see `acme_forgetting.noise`)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from suite import Benchmark, BenchmarkData, Given, Phase, Source, hookimpl

from .benchmark import Capitals, CapitalsConfig


class RobustCapitals(Capitals):
    """The capitals, measured again after an attack, a second forget set, and noise."""

    name = "robust_capitals"
    provides = frozenset({"forget", "retain", "second", "relearn"})
    phases = (
        Phase("relearned", method="sft", roles={"demonstrations": "relearn"}, train={"epochs": 1}),
        Phase("second", roles={"forget": "second"}, train={"epochs": 2}),
        Phase("noisy", kind="noise", spec={"scale": 0.01}),
    )
    Config = CapitalsConfig

    def load(self, source: Source) -> BenchmarkData:
        """The first retained country is forgotten in the second phase, two others serve the
        attack."""
        data = super().load(source)
        retain = data.roles["retain"]
        further: dict[str, Given] = {"second": retain[:1], "relearn": retain[1:3]}
        return replace(data, roles={**data.roles, **further})


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """Register the benchmark."""
    return [RobustCapitals]
