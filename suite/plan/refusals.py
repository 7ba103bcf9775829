"""What cannot work is refused while planning, before any model loads."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from suite.api.benchmark import Benchmark, Experiment
from suite.api.method import Method
from suite.api.pairs import PairedMethod, PairLogps
from suite.config import only_experiments, split_spec
from suite.core.errors import DoesNotFit, UserError
from suite.model.likeness import layers_of
from suite.plan.text_stages import TextStages
from suite.settings import TrainConfig
from suite.stages.base_model import locate
from suite.stages.context import Context
from suite.tiny.model import SIZES


def check_roles(method: type[Method[Any]], benchmark: type[Benchmark[Any]]) -> None:
    """Refuse a method that needs training data which the benchmark does not offer."""
    needed = method.roles | ({"pairs"} if method.needs_reward == "model" else set())
    if benchmark.trains == "loss" and not method.trains:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it trains "
            "nothing, and there is no "
            "language model to ask"
        )
    if benchmark.trains == "loss" and method.needs_reward:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it needs a reward "
            "of texts, and there is no language model to write any"
        )
    lacking = sorted(needed - benchmark.provides)
    if lacking:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {benchmark.name!r}: it needs "
            f"{', '.join(lacking)}; "
            f"the benchmark offers {', '.join(sorted(benchmark.provides))}"
        )


def check_rows(method: type[Method[Any]], stages: TextStages) -> None:
    """Refuse a method that needs training data which these files do not hold."""
    there = {*stages.data.roles, *stages.benchmark.sampled_roles}
    if lacking := sorted(method.roles - there):
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {stages.benchmark.name!r}: "
            f"{stages.data.revision} holds no {', '.join(lacking)} to train on"
        )


def check_reward(method: type[Method[Any]], stages: TextStages) -> None:
    """Refuse a method that learns from the ground truth where the benchmark has none."""
    if method.needs_reward == "ground_truth" and stages.benchmark.reward(stages.data) is None:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {stages.benchmark.name!r}: it needs "
            "a ground-truth "
            "reward, and the benchmark has none"
        )


def check_answers(method: type[Method[Any]], stages: TextStages) -> None:
    """Refuse a method whose model can answer nothing that the benchmark asks."""
    asked = {request.kind for request in stages.requests}
    if asked and not asked & method.answers:
        raise DoesNotFit(
            f"method {method.name!r} cannot run on benchmark {stages.benchmark.name!r}, which "
            "asks for "
            f"{', '.join(sorted(asked))} only; {method.name} answers "
            f"{', '.join(sorted(method.answers))} requests"
        )


def check_steps(method: Method[Any], config: TrainConfig, stages: TextStages) -> None:
    """Refuse a step of a single pair to a method that compares pairs with others of their step."""
    pairs = len(stages.data.roles.get("pairs", ()))
    if "mismatched" not in method.roles or not pairs:
        return
    size = min(config.batch_size, pairs)
    if size == 1 or pairs % size == 1:
        raise UserError(
            f"{method.name} compares the pairs of a step with each other, and {pairs} pairs in "
            f"steps of {size} leave a "
            f"step with a single pair; choose another {method.name}.batch_size"
        )


def check_layers(method: Method[Any], stages: TextStages) -> None:
    """Refuse a method that works on a layer which the model lacks."""
    if type(method).check_layers is Method.check_layers:
        return
    model = stages.context.config.model
    layers = SIZES["num_hidden_layers"] if model == "tiny" else layers_of(locate(model)[0])
    if layers is not None:
        method.check_layers(layers)


def check_loss(method: Method[Any]) -> None:
    """Ask a loss of pairs for its value once: what it refuses about its settings is refused before
    anything trains."""
    if not isinstance(method, PairedMethod):
        return
    import torch

    start, lengths = torch.full((2,), -1.0), torch.tensor([1, 2])
    method.pair_loss(PairLogps(start, start, start, start, lengths, lengths, start, start))


def refuse_training_settings(context: Context, experiment: Experiment[Any], spec: str) -> None:
    """An experiment trains in its own way: a learning rate given to a method would be ignored, so
    it is refused.

    Beside other benchmarks it is not: there the rate has an effect.
    """
    if not only_experiments(context.config, context.registry):
        return
    name, variant = split_spec(context.registry, spec)
    given = {*variant, *context.config.sections.get(name, {})} & {
        f.name for f in fields(TrainConfig)
    }
    if given:
        raise UserError(
            f"method {spec!r}: {min(given)} has no effect on benchmark {experiment.name!r}, "
            "which has its own training "
            f"(see `suite list {experiment.name}`)"
        )
