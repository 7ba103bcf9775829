"""Every hook that a plugin may implement. `docs/plugins.md` shows each in use.

A plugin is a module named by an entry point of the group `suite`; it implements a hook by a
function of the hook's name, marked `@suite.hookimpl`. Hooks declare; they never compute. Observers
are told what happens in a run and cannot change it. An implementation may leave out arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from suite.api.attack import Attack
    from suite.api.benchmark import Benchmark
    from suite.api.cells import Cell, CellResult
    from suite.api.engine import Engine
    from suite.api.executor import Executor
    from suite.api.judge import Judge
    from suite.api.method import Method
    from suite.api.stages import StageKind
    from suite.results.schema import Results
    from suite.settings import RunConfig

hookspec = pluggy.HookspecMarker("suite")


@hookspec
def suite_methods() -> Iterable[type[Method[Any]]]:
    """Give the methods of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_benchmarks() -> Iterable[type[Benchmark[Any]]]:
    """Give the benchmarks of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_engines() -> Iterable[type[Engine]]:
    """Give the engines of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_executors() -> Iterable[type[Executor]]:
    """Give the executors of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_judges() -> Iterable[type[Judge[Any]]]:
    """Give the judges of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_attacks() -> Iterable[type[Attack[Any]]]:
    """Give the attacks of this plugin: classes, not instances."""
    raise NotImplementedError


@hookspec
def suite_stages() -> Iterable[StageKind]:
    """Give the kinds of stages that this plugin computes: functions marked with `suite.builds`."""
    raise NotImplementedError


@hookspec
def suite_commands(cli: click.Group) -> None:
    """Attach commands: `cli.add_command(mine)`. Names that exist already are refused."""


@hookspec
def suite_run_started(config: RunConfig, report_dir: Path) -> None:
    """Observe that a run begins: its settings (`config.log` names the loggers asked for), and where
    it writes."""


@hookspec
def suite_cell_started(cell: Cell, config: RunConfig, report_dir: Path) -> None:
    """Observe that a cell (method, benchmark, split, model, seed) begins."""


@hookspec
def suite_train_logged(
    cell: Cell, step: int, metrics: Mapping[str, float], config: RunConfig, report_dir: Path
) -> None:
    """Observe one optimiser step (counted from 1): its loss, gradient norm and what the method
    logs."""


@hookspec
def suite_cell_finished(
    cell: Cell, result: CellResult, config: RunConfig, report_dir: Path
) -> None:
    """Observe a finished cell: its status, metrics, timings or error."""


@hookspec
def suite_run_finished(results: Results, config: RunConfig, report_dir: Path) -> None:
    """Observe the finished run; `report_dir` holds results.json and the leaderboards."""
