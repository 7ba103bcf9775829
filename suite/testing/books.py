"""The rule books of all kinds of plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from suite.core.errors import unknown
from suite.testing import invariance, promises  # noqa: F401  they add rules for methods
from suite.testing.benchmarks import BENCHMARK, BenchmarkUnderTest
from suite.testing.engines import ENGINE, EngineUnderTest
from suite.testing.judges import JUDGE, JudgeUnderTest
from suite.testing.method import MethodUnderTest
from suite.testing.methods import METHOD
from suite.testing.rules import Report, RuleBook
from suite.testing.surroundings import put_back

BOOKS: dict[str, tuple[RuleBook, Callable[[Any, Mapping[str, Any]], Any]]] = {
    "method": (METHOD, MethodUnderTest),
    "benchmark": (BENCHMARK, BenchmarkUnderTest),
    "engine": (ENGINE, EngineUnderTest),
    "judge": (JUDGE, JudgeUnderTest),
}
"""Kind -> its rules, and what makes the thing that they look at."""


def report_on(kind: str, cls: type[Any], settings: Mapping[str, Any]) -> Report:
    """Check every rule; after each the process is put back as it was."""
    if kind not in BOOKS:
        raise unknown("kind of plugin", kind, BOOKS)
    book, subject = BOOKS[kind]
    return book.report(subject(cls, dict(settings)), put_back)
