"""What a benchmark reads and asks, and how keys name it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from suite.api.benchmark import TextBenchmark
from suite.api.data import BenchmarkData, Source
from suite.api.requests import Request
from suite.model.encoding import continues
from suite.plan.starts import Starts, starts_of
from suite.stages.context import Context
from suite.store import Json, digest, jsonable


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
        )
        return self.benchmark.load(source)

    @cached_property
    def starts(self) -> Starts:
        """Where its start models come from."""
        return starts_of(self.context, self.benchmark, self.data.starts)

    @cached_property
    def data_digest(self) -> str:
        """Digest of everything that the benchmark read."""
        add = self.context.materials.add
        data = self.data
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
        return self.benchmark.requests(self.data)

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
