"""`suite` compares ways of making a language model forget, and ways of aligning it.

The names below are all that the author of a plugin imports. Importing this package is light: torch and
transformers are loaded only when something is computed.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pluggy

from suite.api.benchmark import Benchmark, Experiment, TextBenchmark
from suite.api.data import BenchmarkData, Message, Pair, Row, Source
from suite.api.method import Method
from suite.api.pairs import PairedMethod, PairLogps
from suite.api.requests import Request, Response
from suite.api.reward import Reward
from suite.api.scores import CurvePoint, ItemScore, Metric, Scores
from suite.api.step import LossOutput, StepOutput, TrainState
from suite.core.errors import UserError

if TYPE_CHECKING:
    from suite import losses as losses

hookimpl = pluggy.HookimplMarker("suite")
"""Marks a function of a plugin as the implementation of a hook, see `suite.hookspecs`."""

__all__ = [
    "Benchmark",
    "BenchmarkData",
    "CurvePoint",
    "Experiment",
    "ItemScore",
    "LossOutput",
    "Message",
    "Method",
    "Metric",
    "Pair",
    "PairLogps",
    "PairedMethod",
    "Request",
    "Response",
    "Reward",
    "Row",
    "Scores",
    "Source",
    "StepOutput",
    "TextBenchmark",
    "TrainState",
    "UserError",
    "hookimpl",
    "losses",
]


def __getattr__(name: str) -> ModuleType:
    """Hand out `suite.losses` as a module that imports torch only when a loss is first used."""
    if name != "losses":
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    spec = importlib.util.find_spec("suite.losses")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    # Kept as an attribute at once: a second find_spec would ask the lazy module for its spec, and so load it.
    globals()[name] = sys.modules["suite.losses"] = module
    spec.loader.exec_module(module)
    return module
