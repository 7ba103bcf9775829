"""`suite` compares ways of making a language model forget, and ways of aligning it.

The names below, and the public modules (`suite.losses`, `stats`, `tables`, `metrics`, `ranges`,
`settings`, `hookspecs`, `tiny`, `toolkit`, `testing`), are all that the author of a plugin imports;
the built-in plugins import nothing else. Importing this package is light: torch and transformers
are loaded only when something is computed.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

# Each of these is imported when it is first asked for (`__getattr__`): all of them together take
# longer than the help of a command may.
if TYPE_CHECKING:
    from suite import losses as losses
    from suite.api.attack import Attack, Target, is_about
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
    from suite.api.knowledge import Knowledge
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
    from suite.core.marker import hookimpl
    from suite.core.progress import Progress, Task
    from suite.store import Build, Json, Stage, digest, file_digest, write_json
    from suite.train.online import OnlineMethod
    from suite.train.rollouts import Part, Rollouts

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
    "Attack",
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
    "Knowledge",
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
    "Target",
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
    "is_about",
    "losses",
    "nearest",
    "unknown",
    "write_json",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name == "losses":
        return _lazy_losses()
    place = _places().get(name)
    if place is None:
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    module = importlib.import_module(place)
    # `interrupt` is a module of its package, which need not be loaded yet.
    value = getattr(module, name, None) or importlib.import_module(f"{place}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What completion shows: the public names too that nobody has asked for yet."""
    return sorted({*globals(), *__all__})


@cache
def _places() -> dict[str, str]:
    """Public name -> its module, as the imports for type checkers say above."""
    places = {}
    for node in ast.walk(ast.parse(Path(__file__).read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module:
            places.update(dict.fromkeys((alias.name for alias in node.names), node.module))
    return places


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
