"""The rules for benchmarks. Answers are made up, so that nothing is trained."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from suite.api.benchmark import Asked, Benchmark, Experiment, TextBenchmark
from suite.api.data import BenchmarkData, Source
from suite.api.measured import ModelBenchmark
from suite.api.requests import Request
from suite.api.scores import Metric, Scores
from suite.core.errors import PluginError, UserError
from suite.core.progress import Silent
from suite.score.checks import checked
from suite.testing.made_up import answers, method_for, verdicts
from suite.testing.rules import Broken, DoesNotApply, RuleBook
from suite.testing.settings import check_description, check_round_trip
from suite.testing.surroundings import disturb, untouched

BENCHMARK = RuleBook("benchmark")
FEW = 2
"""Items of a set under a limit."""


@dataclass
class BenchmarkUnderTest:
    """A benchmark's class with the settings to test it with."""

    cls: type[Benchmark[Any]]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The benchmark's name."""
        return self.cls.name

    @property
    def split(self) -> str:
        """The split that runs by default."""
        return (self.cls.default_splits or self.cls.splits)[0]

    def make(self) -> Any:
        """An instance."""
        return self.cls(self.cls.Config(**self.settings))

    def load(self, limit: int | None = None) -> BenchmarkData:
        """Read its own data, as for the embedded model. DoesNotApply: it has none of its own."""
        if not issubclass(self.cls, TextBenchmark):
            raise DoesNotApply("it has no rows of text")
        benchmark = self.make()
        source = Source(data=None, split=self.split, tiny=True, limit=limit)
        try:
            benchmark.check()
            data: BenchmarkData = benchmark.load(source)
        except UserError as error:
            raise DoesNotApply(f"it has no data of its own: {error}") from None
        return data

    @cached_property
    def data(self) -> BenchmarkData:
        """Its own data, read once."""
        return self.load()

    @cached_property
    def requests(self) -> Sequence[Request]:
        """What every model is asked."""
        found: Sequence[Request] = self.make().requests(copy.deepcopy(self.data))
        return found

    @cached_property
    def scores(self) -> Scores:
        """Scores, with a baseline model."""
        return self.score(baseline=True)

    def score(self, *, baseline: bool, data: BenchmarkData | None = None) -> Scores:
        """Score made-up answers, or run an experiment. Broken: what the host would refuse.

        `data`: what the benchmark is given; by default a copy of its own.
        """
        try:
            return checked(self.make(), self._scored(baseline, data))
        except PluginError as error:
            raise Broken(str(error), "what `suite.api.scores` describes") from None

    def _scored(self, baseline: bool, data: BenchmarkData | None) -> Scores:
        benchmark = self.make()
        if issubclass(self.cls, ModelBenchmark):
            raise DoesNotApply("it measures finished models, and the kit has none")
        if issubclass(self.cls, Experiment):
            method = method_for(self.cls.provides)
            found: Scores = benchmark.measure(method, self.split, 0, Silent())
            return found
        given = data or copy.deepcopy(self.data)
        asked = Asked(
            given,
            answers(self.requests, of="model"),
            (answers(self.requests, of="baseline"),) if baseline else (),
            method_for(self.cls.provides) if self.cls.provides & {"forget", "pairs"} else None,
            verdicts(benchmark.questions(given)) if self.cls.judged else None,
        )
        scored: Scores = benchmark.score_cell(asked)
        return scored


@BENCHMARK.rule
def documented(benchmark: BenchmarkUnderTest) -> None:
    """The class says in one line what it is, and every setting what it means."""
    check_description(benchmark.cls)


@BENCHMARK.rule
def settings(benchmark: BenchmarkUnderTest) -> None:
    """Settings are frozen, and come back from a file as they were."""
    check_round_trip(benchmark.cls, dict(benchmark.settings))


@BENCHMARK.essential
def data(benchmark: BenchmarkUnderTest) -> None:
    """`load` gives rows for every role of `provides`, and says where they are from."""
    found = benchmark.data
    missing = benchmark.cls.provides - found.roles.keys() - _sampled(benchmark)
    if missing:
        raise Broken(
            f"`provides` names {', '.join(sorted(missing))}, for which `load` gives no rows",
            "rows for every role, or the role in `sampled_roles` too",
        )
    if not found.revision:
        raise Broken("the data have no revision", "source and revision, for the report")


def _sampled(benchmark: BenchmarkUnderTest) -> frozenset[str]:
    sampled: frozenset[str] = getattr(benchmark.cls, "sampled_roles", frozenset())
    return sampled


@BENCHMARK.rule
def ids(benchmark: BenchmarkUnderTest) -> None:
    """Ids of rows are unique within a role, ids of requests altogether."""
    for role, rows in benchmark.data.roles.items():
        _check_unique(f"rows of {role!r}", [row.id for row in rows])
    _check_unique("requests", [request.id for request in benchmark.requests])


def _check_unique(what: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Broken(f"two {what} have the id {name!r}", "an id of its own for each")
        seen.add(name)


@BENCHMARK.essential
def scoring(benchmark: BenchmarkUnderTest) -> None:
    """Answers are turned into finite scores, with every headline metric among them."""
    if not benchmark.scores.metrics:
        raise Broken("it reports no metric", "at least its headline metrics")


@BENCHMARK.rule
def direction(benchmark: BenchmarkUnderTest) -> None:
    """Every headline metric says whether more is better."""
    for metric in _headlines(benchmark):
        if metric.higher_is_better is None:
            raise Broken(
                f"the headline metric {metric.name!r} does not say whether more is better",
                "higher_is_better=True or False: the leaderboard ranks by it",
            )


def _headlines(benchmark: BenchmarkUnderTest) -> list[Metric]:
    if issubclass(benchmark.cls, Experiment):
        raise DoesNotApply("an experiment's diagnostics may have no better direction")
    return [each for each in benchmark.scores.metrics if each.name in benchmark.cls.primary]


@BENCHMARK.rule
def clusters(benchmark: BenchmarkUnderTest) -> None:
    """Items of a cluster are told, and counted as what they are."""
    for metric in benchmark.scores.metrics:
        if metric.n_clusters > metric.n:
            raise Broken(
                f"metric {metric.name!r} has {metric.n_clusters} clusters of {metric.n} items",
                "n_clusters counts clusters of the n items",
            )
    if not issubclass(benchmark.cls, TextBenchmark):
        return
    known = {row.cluster for rows in benchmark.data.roles.values() for row in rows} - {""}
    own = [item for item in benchmark.scores.items if item.cluster_id != item.item_id]
    if len(known) > 1 and benchmark.scores.items and not own:
        raise Broken(
            "rows have clusters, but no scored item does",
            "the cluster of the row as the item's `cluster_id`: rows of a cluster are not "
            "independent, and intervals would be too narrow",
        )


@BENCHMARK.rule
def missing_baseline(benchmark: BenchmarkUnderTest) -> None:
    """Without answers of the baseline model (retrain), what needs them is missing with a reason."""
    if benchmark.cls.baseline is None:
        raise DoesNotApply("its scores are compared with no start model")
    for metric in benchmark.score(baseline=False).metrics:
        if metric.value is None and not metric.note:
            raise Broken(
                f"without a {benchmark.cls.baseline} model {metric.name!r} is None for no reason",
                "the reason in `note`",
            )


@BENCHMARK.rule
def reproducible(benchmark: BenchmarkUnderTest) -> None:
    """Data, requests and scores are the same every time, whatever other programs have drawn."""
    first = benchmark.scores  # read and scored before the generators are disturbed
    disturb(1)
    again = BenchmarkUnderTest(benchmark.cls, benchmark.settings)
    if issubclass(benchmark.cls, TextBenchmark):
        if again.data != benchmark.data:
            raise Broken("`load` gives other data the second time", ADVICE)
        if list(again.requests) != list(benchmark.requests):
            raise Broken("`requests` asks other questions the second time", ADVICE)
    if again.scores != first:
        raise Broken("the same answers have other scores the second time", ADVICE)


ADVICE = "draws from a generator that is seeded by settings or by ids: random.Random(seed)"


@BENCHMARK.rule
def surroundings(benchmark: BenchmarkUnderTest) -> None:
    """Nothing that belongs to the whole process is changed, and no data that was read."""
    given = None
    with untouched("`load`, `requests`, `score` or `measure`"):
        if issubclass(benchmark.cls, TextBenchmark):
            given = benchmark.load()
            benchmark.make().requests(given)
        benchmark.score(baseline=True, data=given)
    if given is not None and given != benchmark.data:
        raise Broken("`requests` or `score` changes the data", "a copy to work on")


@BENCHMARK.rule
def limit(benchmark: BenchmarkUnderTest) -> None:
    """Under a limit less is asked, and the results are marked as partial."""
    part = benchmark.load(limit=FEW)
    asked = benchmark.make().requests(part)
    if len(asked) < len(benchmark.requests) and not part.partial:
        raise Broken(
            f"with `limit={FEW}` less is asked, but the data are not `partial`",
            "partial=True: parts of a benchmark are never ranked",
        )
    if len(asked) >= len(benchmark.requests) > FEW:
        raise Broken(
            f"with `limit={FEW}` as much is asked as without, {len(asked)} requests",
            "at most `source.limit` items of each set",
        )
