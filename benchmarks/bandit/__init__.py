"""Bandits with known answers (arXiv 2310.12036, section 5.4): does a method stop where its temperature says?

    two arms, the first always preferred    IPO ends at pi(y1) = sigma(1 / (2 tau)): .993, .731, .622, .512 at
                                            tau = .1, .5, 1, 10; DPO tends to 1, whatever beta is
    three arms, four datasets               see `datasets`

A preference method's `pair_loss` trains a softmax policy over two or three arms, once for each temperature of the
sweep. Where labels never contradict each other, DPO's optimum is at infinity: the policy drops all arms but the best,
and the reference no longer counts. IPO's is finite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt

from suite import Benchmark, Experiment, Method, PairedMethod, Scores, UserError, hookimpl, interrupt
from suite.errors import DivergedError
from suite.ranges import Positive

from .datasets import DATASETS, Dataset

if TYPE_CHECKING:
    from suite.progress import Progress, Task

    from .scores import Trial

TEMPERATURES = ("tau", "beta")
CURVE_POINTS = 90
"""Of the learning curves: every 200 steps of the published 18,000."""
NOTES = (
    "Published and used here: softmax policy, uniform reference, Adam with learning rate .01, mini-batches of 9 pairs "
    "drawn with replacement, 18,000 steps, 10 runs. Intervals are over the runs of a cell; --seeds adds more.",
    "Chosen here, where the paper is silent: logits start at 0 (the reference), Adam's other settings are PyTorch's, "
    "no schedule, arithmetic in float64, the last iterate is reported. All methods and temperatures see the same "
    "mini-batches. The two arms train as the three do. Training settings of the run (train.*) have no effect.",
    "tau is the weight of the KL to the reference: the method's tau, or its beta where it has no tau, is set to it, "
    "in place of the value that the run gives it. A method with neither runs once, as configured.",
    "D3 = {(a, b), (b, a)} is printed in the paper, but its figure, where DPO drops arm c, needs D3' = D3 and (a, c). "
    "In D3 arm c is in no pair: its logit keeps its value exactly, and pi(c) is 1/3 up to what chance moves a and b.",
    "Gaps: the largest distance of an arm's mean probability from IPO's optimum at that tau, and from DPO's limit for "
    "steps without end; in the summary the largest over datasets and temperatures. IPO's own gap is the noise of "
    "mini-batches. On D1 at large beta DPO's limit is far off after 18,000 steps.",
    "Psi-PO gets the preferences as counted, 1/2 where two arms were never compared (b and c in D3', where its optimum "
    "differs from IPO's). With psi=logit a preference that is always won is infinite, and the dataset has no result.",
)


@dataclass(frozen=True)
class BanditConfig:
    """How long, how often, and at which temperatures; the defaults are published."""

    steps: Annotated[int, Gt(0)] = 18_000
    """Steps of Adam."""
    runs: Annotated[int, Gt(0)] = 10
    """Independent runs within a cell, which differ in their mini-batches."""
    taus: tuple[Positive, ...] = (0.1, 0.5, 1.0, 5.0, 10.0)
    """Temperatures to sweep: the method's `tau`, or `beta`."""


@dataclass(frozen=True)
class Setting:
    """A method at one temperature."""

    label: str
    tau: float | None
    method: PairedMethod[Any]


class Bandit(Experiment[BanditConfig]):
    """Preference losses on two and three arms."""

    name = "bandit"
    provides = frozenset({"pairs", "mismatched"})
    primary = ("D1/tau=0.1/a", "D1/tau=1/a", "D1/tau=10/a")
    notes = NOTES
    Config = BanditConfig

    def measure(self, method: Method[Any], split: str, seed: int, progress: Progress) -> Scores:
        """Train on every dataset at every temperature. Raises UserError for a method without a loss of pairs."""
        from .scores import scores

        if not isinstance(method, PairedMethod):
            raise UserError(f"method {method.name!r} cannot run on benchmark 'bandit': it has no loss of pairs")
        settings = list(self._sweep(method))
        with progress.task(f"{self.name}: {method.name}", len(DATASETS) * self.config.steps, "steps") as task:
            return scores([trial for dataset in DATASETS for trial in self._trials(settings, dataset, seed, task)])

    def _sweep(self, method: PairedMethod[Any]) -> Iterator[Setting]:
        names = {field.name for field in fields(method.config)}
        temperature = next((name for name in TEMPERATURES if name in names), None)
        if temperature is None:
            yield Setting("as_configured", None, method)
            return
        for tau in self.config.taus:
            yield Setting(f"tau={tau:g}", tau, type(method)(replace(method.config, **{temperature: tau})))

    def _trials(self, settings: list[Setting], dataset: Dataset, seed: int, task: Task) -> list[Trial]:
        """One dataset: all temperatures and runs at once."""
        import numpy as np
        import torch

        from . import training
        from .scores import Trial

        methods, runs, total = [setting.method for setting in settings], self.config.runs, self.config.steps
        note = training.undefined(methods, dataset)
        if note:
            task.advance(total)
            return [Trial(dataset, setting.label, setting.tau, note=note) for setting in settings]
        every = max(1, total // CURVE_POINTS)
        steps, thetas = [0], [training.start(methods, dataset, runs)]
        batches = training.sampled(dataset, total, runs, seed)
        for step, theta in enumerate(training.train(methods, dataset, batches, runs), 1):
            if step % every == 0 or step == total:
                interrupt.check()
                if not theta.isfinite().all():
                    raise DivergedError(f"{dataset.name}: a logit is not finite after step {step}")
                task.advance(step - steps[-1])
                steps.append(step)
                thetas.append(theta.clone())
        policies = np.moveaxis(torch.stack(thetas).softmax(-1).numpy(), 1, 0)  # (T, S, R, K)
        return [Trial(dataset, setting.label, setting.tau, steps, policies[t]) for t, setting in enumerate(settings)]


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Bandit]
