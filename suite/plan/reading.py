"""What a benchmark reads and asks, and how keys name it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, TypeVar

from suite.api.benchmark import TextBenchmark
from suite.api.data import BenchmarkData, Source
from suite.api.requests import Request
from suite.api.verdicts import Question
from suite.core.errors import UserError, nearest
from suite.model.encoding import continues
from suite.model.tokens import ModelTokens
from suite.plan.starts import Starts, starts_of
from suite.stages.context import Context
from suite.store import Json, digest, jsonable

Listed = TypeVar("Listed", bound=Sequence[Any])


class Reading:
    """One benchmark's data and requests on one split."""

    def __init__(self, context: Context, benchmark: TextBenchmark[Any], split: str) -> None:
        self.context = context
        self.benchmark = benchmark
        self.split = split

    @cached_property
    def data(self) -> BenchmarkData:
        """The benchmark's data, read and checked."""
        config = self.context.config
        source = Source(
            data=config.data,
            split=self.split,
            tiny=config.model == "tiny",
            limit=config.limit,
            allow_overlap=config.allow_overlap,
            continues=continues(config.template),
            tokens=ModelTokens(config.model),
        )
        data = self.benchmark.load(source)
        self._check_baseline(data)
        return data

    @cached_property
    def starts(self) -> Starts:
        """Where its start models come from."""
        return starts_of(self.context, self.benchmark, self.data.starts)

    @cached_property
    def data_digest(self) -> str:
        """Digest of everything that the benchmark read."""
        return self.digest_of(self.data)

    def digest_of(self, data: BenchmarkData) -> str:
        """Digest of the benchmark's data, or of a part of them."""
        add = self.context.materials.add
        sets = {name: digest(jsonable(list(items))) for name, items in data.sets.items()}
        parts: dict[str, Json] = {
            "roles": {role: add(rows) for role, rows in data.roles.items()},
            "starts": {name: add(rows) for name, rows in data.starts.items()},
            "sets": sets,
        }
        return self.context.materials.put(digest(parts), data)

    @cached_property
    def requests(self) -> list[Request]:
        """What every model is asked."""
        return self._distinct("requests", self.benchmark.requests(self.data))

    @cached_property
    def sampling_requests(self) -> list[Request]:
        """What the starting model is asked, to make rows of its answers."""
        return self._distinct("sampling_requests", self.benchmark.sampling_requests(self.data))

    @cached_property
    def questions(self) -> Sequence[Question]:
        """What a judge is asked."""
        return self._distinct("questions", self.benchmark.questions(self.data))

    def _check_baseline(self, data: BenchmarkData) -> None:
        """Refuse a misspelt baseline. Data without that start model have none: that is allowed."""
        name = self.benchmark.baseline
        if name is None or name in data.starts:
            return
        if near := nearest(name, data.starts):
            raise self.wrong(f"baseline is {name!r}, and no start model; did you mean {near!r}?")

    def _distinct(self, hook: str, asked: Listed) -> Listed:
        """What a hook gave, if it is a list whose ids differ: answers are found by them."""
        if isinstance(asked, str) or not isinstance(asked, Sequence):
            raise self.wrong(f"{hook} must return a list, not {asked!r:.80}")
        for id, count in Counter(each.id for each in asked).items():
            if count > 1:
                raise self.wrong(f"{hook} has the id {id!r} {count} times")
        return asked

    def wrong(self, problem: str) -> UserError:
        """The error of what the benchmark's plugin gave."""
        plugin = self.context.registry.name_plugin(type(self.benchmark))
        return UserError(f"{plugin}benchmark {self.benchmark.name!r}: {problem}")

    def benchmark_spec(self) -> dict[str, Json]:
        """What determines that which the benchmark itself computes."""
        spec: dict[str, Json] = {
            "benchmark": self.benchmark.name,
            "settings": jsonable(self.benchmark.config),
            "source": self.context.source_digest(type(self.benchmark)),
            "data": self.data_digest,
        }
        truth = self.benchmark.reward(self.data)
        return spec if truth is None else {**spec, "reward": truth.identity()}
