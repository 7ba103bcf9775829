"""`suite` compares ways of making a language model forget, and ways of aligning it.

The names below, and the public modules (`suite.losses`, `stats`, `tables`, `metrics`, `ranges`,
`settings`, `hookspecs`, `tiny`, `toolkit`, `testing`), are all that the author of a plugin imports;
the built-in plugins import nothing else. Importing this package is light: torch and transformers
are loaded only when something is computed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from suite.api.batch import Batch, Pairs, Policy, Scored, Texts
from suite.api.benchmark import Asked, Benchmark, Experiment, TextBenchmark
from suite.api.cells import Cell, CellResult
from suite.api.data import (
    BenchmarkData,
    Encoded,
    EncodedPair,
    Given,
    Message,
    Pair,
    Row,
    Source,
    Tokens,
)
from suite.api.engine import Engine
from suite.api.executor import Executor, Needs
from suite.api.exports import Export, ItemTable, OpenUnlearning
from suite.api.files import DataFile
from suite.api.finished import FinishedConfig, FinishedModel
from suite.api.judge import Comparison, Cost, Judge, Rewards, Verdict
from suite.api.judged import JudgedBenchmark
from suite.api.measured import Described, Measured, ModelBenchmark, ModelFolder
from suite.api.method import Method
from suite.api.pairs import PairedMethod, PairLogps, Population
from suite.api.phases import Phase
from suite.api.pictures import (
    Bars,
    Curves,
    Distribution,
    Frontier,
    MetricColumn,
    Picture,
    Tradeoff,
    Trajectory,
)
from suite.api.prompting import UntrainedMethod
from suite.api.requests import (
    Generate,
    Generated,
    Request,
    Response,
    Rewarded,
    ScoreText,
    TextScore,
    Unanswered,
)
from suite.api.reward import Prompt, Reward
from suite.api.scores import Basis, CurvePoint, ItemScore, Metric, Scores
from suite.api.stages import Host, StageKind, builds
from suite.api.step import LossOutput, StepOutput, TrainState
from suite.api.verdicts import ANSWER, Judged, Question, Verdicts
from suite.core import interrupt
from suite.core.errors import DivergedError, UserError, nearest, unknown
from suite.core.progress import Progress, Task
from suite.store import Build, Json, Stage, digest, file_digest, write_json
from suite.train.online import OnlineMethod

if TYPE_CHECKING:
    from suite import losses as losses
    from suite.train.rollouts import Part as Part
    from suite.train.rollouts import Rollouts as Rollouts

hookimpl = pluggy.HookimplMarker("suite")
"""Marks a function of a plugin as the implementation of a hook, see `suite.hookspecs`."""

PUBLIC_MODULES = (
    "hookspecs",
    "losses",
    "metrics",
    "ranges",
    "settings",
    "stats",
    "tables",
    "testing",
    "tiny",
    "toolkit",
)
"""The modules of this package that plugins may import, beside the names below."""

__all__ = [
    "ANSWER",
    "PUBLIC_MODULES",
    "Asked",
    "Bars",
    "Basis",
    "Batch",
    "Benchmark",
    "BenchmarkData",
    "Build",
    "Cell",
    "CellResult",
    "Comparison",
    "Cost",
    "CurvePoint",
    "Curves",
    "DataFile",
    "Described",
    "Distribution",
    "DivergedError",
    "Encoded",
    "EncodedPair",
    "Engine",
    "Executor",
    "Experiment",
    "Export",
    "FinishedConfig",
    "FinishedModel",
    "Frontier",
    "Generate",
    "Generated",
    "Given",
    "Host",
    "ItemScore",
    "ItemTable",
    "Json",
    "Judge",
    "Judged",
    "JudgedBenchmark",
    "LossOutput",
    "Measured",
    "Message",
    "Method",
    "Metric",
    "MetricColumn",
    "ModelBenchmark",
    "ModelFolder",
    "Needs",
    "OnlineMethod",
    "OpenUnlearning",
    "Pair",
    "PairLogps",
    "PairedMethod",
    "Pairs",
    "Part",
    "Phase",
    "Picture",
    "Policy",
    "Population",
    "Progress",
    "Prompt",
    "Question",
    "Request",
    "Response",
    "Reward",
    "Rewarded",
    "Rewards",
    "Rollouts",
    "Row",
    "ScoreText",
    "Scored",
    "Scores",
    "Source",
    "Stage",
    "StageKind",
    "StepOutput",
    "Task",
    "TextBenchmark",
    "TextScore",
    "Texts",
    "Tokens",
    "Tradeoff",
    "TrainState",
    "Trajectory",
    "Unanswered",
    "UntrainedMethod",
    "UserError",
    "Verdict",
    "Verdicts",
    "builds",
    "digest",
    "file_digest",
    "hookimpl",
    "interrupt",
    "losses",
    "nearest",
    "unknown",
    "write_json",
]

_LATER = {
    "Part": "suite.train.rollouts",
    "Rollouts": "suite.train.rollouts",
}
"""Names of modules that import torch: read when first asked for."""


def __getattr__(name: str) -> Any:
    """Hand out the names that are imported only when first used."""
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    if name == "losses":
        return _lazy_losses()
    raise AttributeError(f"module 'suite' has no attribute {name!r}")


def _lazy_losses() -> ModuleType:
    """`suite.losses` as a module that imports torch only when a loss is first used."""
    spec = importlib.util.find_spec("suite.losses")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    # Kept as an attribute at once: a second find_spec would ask the lazy module for its spec, and
    # so load it.
    globals()["losses"] = sys.modules["suite.losses"] = module
    spec.loader.exec_module(module)
    return module
