"""The conformance kit: whether a plugin does what the host relies on.

    from suite.testing import check_method

    def test_it_conforms() -> None:
        check_method(MyMethod, beta=0.5)

Each check raises a `ConformanceError`, an AssertionError that says of every broken rule what was
seen, what was expected and where to read. `suite check NAME` shows the same in a terminal. All runs
on a CPU in seconds: the model has a few thousand random weights. docs/conformance.md explains the
rules. Importing this is light; a check loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suite.testing.rules import Broken, ConformanceError, DoesNotApply, Outcome, Report, Rule

if TYPE_CHECKING:
    from suite.api.benchmark import Benchmark
    from suite.api.engine import Engine
    from suite.api.judge import Judge
    from suite.api.method import Method

__all__ = [
    "Broken",
    "ConformanceError",
    "DoesNotApply",
    "Outcome",
    "Report",
    "Rule",
    "check_benchmark",
    "check_engine",
    "check_judge",
    "check_method",
    "report",
    "rules",
]


def check_method(cls: type[Method[Any]], **settings: Any) -> None:
    """ConformanceError: the method breaks rules. `settings`: those to check it with."""
    report("method", cls, **settings).raise_if_broken()


def check_benchmark(cls: type[Benchmark[Any]], **settings: Any) -> None:
    """ConformanceError: the benchmark breaks rules. `settings`: those to check it with."""
    report("benchmark", cls, **settings).raise_if_broken()


def check_engine(cls: type[Engine], **settings: Any) -> None:
    """ConformanceError: the engine breaks rules. `settings`: those to check it with."""
    report("engine", cls, **settings).raise_if_broken()


def check_judge(cls: type[Judge[Any]], **settings: Any) -> None:
    """ConformanceError: the judge breaks rules. `settings`: those to check it with."""
    report("judge", cls, **settings).raise_if_broken()


def report(kind: str, cls: type[Any], **settings: Any) -> Report:
    """Check every rule for this kind of plugin: method, benchmark, engine or judge."""
    from suite.testing.books import report_on

    return report_on(kind, cls, settings)


def rules() -> dict[str, list[Rule]]:
    """Kind of plugin -> its rules, in the order in which they are checked."""
    from suite.testing.books import BOOKS

    return {kind: list(book.rules) for kind, (book, _) in BOOKS.items()}
