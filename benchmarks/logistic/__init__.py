"""NPO's logistic experiments: the method plugins train a binary classifier.

Zhang et al., arXiv 2404.05868.

    theorem    how fast a method leaves the starting model: linearly in t under GA,
               logarithmically under NPO (theorem 2)
    synthetic  how close a method comes to retraining, on forget and on retain inputs (section 4)

    suite run --methods ga,npo --bench logistic
    suite run --methods ga,grad_diff,idk_sft,idk_dpo,npo,npo_rt --bench logistic --split synthetic

Training is plain gradient descent on the full batch: the run's training settings have no effect;
`logistic.lr` is the step size.
"""

from __future__ import annotations

from typing import Any

from suite import Benchmark, Curves, Experiment, Method, Progress, Scores, Tradeoff, hookimpl

from .outputs import COLUMNS
from .settings import BETA, LogisticConfig


class Logistic(Experiment[LogisticConfig]):
    """Rates of divergence, and distances to retraining, of a logistic model."""

    name = "logistic"
    provides = frozenset({"forget", "retain", "alternate"})
    splits = ("theorem", "synthetic")
    primary = (
        "forget_distance", "retain_distance", "hypervolume", "forgotten",
        "linear_r2", "log_r2", "linear_slope_ratio", "log_slope_ratio",
    )  # fmt: skip
    pictures = (Tradeoff(), Curves())
    columns = COLUMNS
    notes = (
        "theorem: 10 random inputs of length 2 in 1000 dimensions, labels drawn from the starting "
        "model, forget inputs only; both laws are fitted to the last 95 % of the steps, at points "
        "evenly spaced in log t.",
        "theorem: a slope ratio is the slope over what its law predicts: sqrt(n) (lr |x|^2 / n) "
        "in t under GA, sqrt(n) / beta in log t under NPO.",
        "synthetic: distances are KL(retrain || unlearned) of the label, nats, on 1000 fresh "
        "inputs of either kind; hypervolume is the share of the square [0, forget distance at the "
        "start]^2 that the method's path dominates.",
        "synthetic: headlines are medians over random problems (chosen after means had been seen; "
        "those are reported too), `forgotten` is the share of problems that end nearer to "
        "retraining on forget inputs than they began. In one of seed 0's five problems at alpha = "
        "1, NPO, NPO+RT and GA+RT go the wrong way and GA hardly moves.",
        "synthetic: beta and step sizes are the paper's, which chose them for each method and "
        "alpha.",
        'synthetic: "I don\'t know" is exactly the uniform distribution (every forget input with '
        "both labels), where the paper draws one label for each.",
    )
    Config = LogisticConfig

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """The paper's beta for this alpha."""
        return {name: {"beta": self.config.beta(name)} for name in BETA}

    def measure(self, method: Method[Any], split: str, seed: int, progress: Progress) -> Scores:
        """Run one split.

        Raises UserError if the method needs what the split or a classifier does not have.
        """
        if split == "theorem":
            from . import theorem

            return theorem.measure(method, self.config, seed, progress)
        from . import synthetic

        return synthetic.measure(method, self.config, seed, progress)


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """The benchmark of this package."""
    return [Logistic]
