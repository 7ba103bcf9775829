"""Bandits with a known optimum: does a method stop where its temperature says?

    two arms, the first always preferred    IPO ends at pi(y1) = sigma(1 / (2 tau)): .993, .731,
                                            .622, .512 at tau = .1, .5, 1, 10;
                                            DPO tends to 1, whatever beta is
    three arms, four datasets               see `datasets`

The experiments of arXiv 2310.12036, section 5.4. A preference method's `pair_loss` trains a softmax
policy over two or three arms, once for each temperature of the sweep. Where labels never contradict
each other, DPO's optimum is at infinity: the policy drops all arms but the best, whatever the
reference is. IPO's optimum is finite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt

from suite import (
    Benchmark,
    Curves,
    DivergedError,
    Experiment,
    Method,
    MetricColumn,
    PairedMethod,
    Scores,
    Tradeoff,
    UserError,
    hookimpl,
    interrupt,
)
from suite.ranges import Positive

from .datasets import DATASETS, Dataset

if TYPE_CHECKING:
    from suite import Progress, Task

    from .datasets import Array
    from .scores import Trial

TEMPERATURES = ("tau", "beta")
CURVE_POINTS = 90
"""Points of a learning curve: every 200 steps of the published 18,000."""
NOTES = (
    "Published and used here: softmax policy, uniform reference, Adam with learning rate .01, "
    "mini-batches of 9 pairs drawn with replacement, 18,000 steps, 10 runs. Intervals are over "
    "the runs of a cell; --seeds adds more.",
    "Chosen here, where the paper is silent: logits start at 0 (the reference), Adam's other "
    "settings are PyTorch's, no schedule, arithmetic in float64, the last iterate is reported. "
    "All methods and temperatures see the same mini-batches. The two arms train as the three do. "
    "Training settings of the run (train.*) have no effect.",
    "tau is the weight of the KL to the reference: the method's tau, or its beta where it has no "
    "tau, is set to it, in place of the value that the run gives it. A method with neither runs "
    "once, as configured.",
    "D3 = {(a, b), (b, a)} is printed in the paper, but its figure, where DPO drops arm c, needs "
    "D3' = D3 and (a, c). In D3 arm c is in no pair: its logit keeps its value exactly, and pi(c) "
    "is 1/3 up to what chance moves a and b.",
    "Gaps: the largest distance of an arm's mean probability from IPO's optimum at that tau, and "
    "from DPO's limit for steps without end; in the summary the largest over datasets and "
    "temperatures. IPO's own gap is the noise of mini-batches. On D1 at large beta DPO's limit is "
    "far off after 18,000 steps.",
    "Psi-PO gets the preferences as counted, 1/2 where two arms were never compared (b and c in "
    "D3', where its optimum differs from IPO's): its end points have an `own_optimum` beside "
    "them. With psi=logit a preference that is always won is infinite, and the dataset has no "
    "result.",
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
    pictures = (Tradeoff(), Curves())
    columns = tuple(
        MetricColumn(
            f"D1/tau={tau}/a",
            title=f"P(a), tau = {tau}",
            help="the probability of arm a, which dataset D1 prefers to the other two.",
        )
        for tau in ("0.1", "1", "10")
    )
    notes = NOTES
    Config = BanditConfig

    def measure(self, method: Method[Any], split: str, seed: int, progress: Progress) -> Scores:
        """Train on every dataset at every temperature.

        Raises UserError for a method without a loss of pairs.
        """
        from .scores import scores

        if not isinstance(method, PairedMethod):
            raise UserError(
                f"method {method.name!r} cannot run on benchmark 'bandit': it has no loss of pairs"
            )
        settings = list(self._sweep(method))
        with progress.task(f"{self.name}: {method.name}", self.config.steps, "steps") as task:
            return scores(self._trials(settings, seed, task))

    def _sweep(self, method: PairedMethod[Any]) -> Iterator[Setting]:
        """Yield the method at every temperature; once as configured if it has none."""
        names = {field.name for field in fields(method.config)}
        temperature = next((name for name in TEMPERATURES if name in names), None)
        if temperature is None:
            yield Setting("as_configured", None, method)
            return
        for tau in self.config.taus:
            config = replace(method.config, **{temperature: tau})
            yield Setting(f"tau={tau:g}", tau, type(method)(config))

    def _trials(self, settings: list[Setting], seed: int, task: Task) -> list[Trial]:
        """All datasets, temperatures and runs at once."""
        from . import training
        from .scores import Trial

        methods = [setting.method for setting in settings]
        notes = {dataset.name: training.undefined(methods, dataset) for dataset in DATASETS}
        defined = [dataset for dataset in DATASETS if not notes[dataset.name]]
        steps, policies = self._train(methods, defined, seed, task)
        trials: list[Trial] = []
        for dataset in DATASETS:
            for place, setting in enumerate(settings):
                trial = Trial(dataset, setting.label, setting.tau, note=notes[dataset.name])
                if not trial.note:
                    trial = replace(
                        trial,
                        steps=steps,
                        policies=policies[dataset.name][place],
                        own_optimum=training.own_optimum(setting.method, dataset),
                    )
                trials.append(trial)
        return trials

    def _train(
        self, methods: list[PairedMethod[Any]], datasets: list[Dataset], seed: int, task: Task
    ) -> tuple[list[int], dict[str, Array]]:
        """Return S steps and, for each dataset, the policies after them, (T, S, R, K)."""
        import torch

        from . import training

        total, runs = self.config.steps, self.config.runs
        every = max(1, total // CURVE_POINTS)
        steps, thetas = [0], [training.start(methods, datasets, runs)]
        batches = training.sampled(datasets, total, runs, seed)
        for step, theta in enumerate(training.train(methods, datasets, batches, runs), 1):
            if step % every == 0 or step == total:
                interrupt.check()
                if theta.isnan().any():
                    raise DivergedError(f"a logit is not a number after step {step}")
                task.advance(step - steps[-1])
                steps.append(step)
                thetas.append(theta.clone())
        all_policies = torch.stack(thetas, 1).softmax(-1).numpy()  # (T, S, D, R, K)
        policies: dict[str, Array] = {}
        for place, dataset in enumerate(datasets):
            policies[dataset.name] = all_policies[:, :, place, :, : len(dataset.arms)]
        return steps, policies


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Bandit]
