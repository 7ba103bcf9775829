"""Forget some capitals, keep the others: a benchmark that carries its own rows.

Each answer's probability per token, exp(mean log-probability), is averaged over the forget and the
retain set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite import (
    Bars,
    Benchmark,
    BenchmarkData,
    ItemScore,
    Knowledge,
    Message,
    Metric,
    MetricColumn,
    Request,
    Response,
    Row,
    Scores,
    ScoreText,
    Source,
    TextBenchmark,
    TextScore,
    Tradeoff,
    hookimpl,
)

CAPITALS = {
    "Arveth": "Sulmo",
    "Belloria": "Kintara",
    "Corvania": "Pell",
    "Dravia": "Ostrel",
    "Elmark": "Vanth",
    "Fenwick": "Lurra",
    "Gorlan": "Mistrel",
    "Hathia": "Quenby",
}


@dataclass(frozen=True)
class CapitalsConfig:
    """How much is to be forgotten."""

    forget: int = 2
    """The first so many countries are forgotten, the others retained."""


class Capitals(TextBenchmark[CapitalsConfig]):
    """The capitals of eight invented countries."""

    name = "capitals"
    provides = frozenset({"forget", "retain"})
    primary = ("forget_probability", "retain_probability")
    pictures = (
        Tradeoff(),
        Bars(
            {"forget": "forget_surprise", "retain": "retain_surprise"},
            x_label="countries",
            y_label="surprise per token, nats",
            caption="Surprise: how unlikely the capitals are, on both sets.",
        ),
    )
    knowledge = Knowledge("forget_probability", "retain_probability")
    columns = (
        MetricColumn(
            "retain_surprise",
            title="surprise",
            help="of the retained capitals, nats per token",
            note="Surprise: minus the mean log-probability of an answer's tokens.",
        ),
        MetricColumn("forget_surprise", title="surprise", below="forget_probability"),
    )
    Config = CapitalsConfig

    def load(self, source: Source) -> BenchmarkData:
        """Split the rows; the target model learns all of them."""
        rows = [row(country, capital) for country, capital in CAPITALS.items()]
        forget, retain = rows[: self.config.forget], rows[self.config.forget :]
        sets = {"forget": forget[: source.limit], "retain": retain[: source.limit]}
        return BenchmarkData(
            roles={"forget": forget, "retain": retain},
            starts={"target": rows, "retrain": retain},
            sets={name: [item_of(name, row) for row in rows] for name, rows in sets.items()},
            revision="built in",
            partial=source.limit is not None,
        )

    def requests(self, data: BenchmarkData) -> list[Request]:
        """Score every answer."""
        return [
            ScoreText(
                f"{name}/{item['text'].id}",
                item["text"].prompt,
                item["text"].completion,
            )
            for name, items in data.sets.items()
            for item in items
        ]

    def score(
        self,
        data: BenchmarkData,
        responses: Mapping[str, Response],
        baseline: Mapping[str, Response] | None,
    ) -> Scores:
        """Average the probabilities of each set."""
        items = [
            ItemScore(
                "probability",
                name,
                item["text"].id,
                item["text"].cluster,
                probability(responses, name, item),
            )
            for name, members in data.sets.items()
            for item in members
        ]
        metrics = [summary("forget", items, False), summary("retain", items, True)]
        metrics += [surprise("forget", items), surprise("retain", items)]
        return Scores(items, metrics)

    def defaults(self, model: str, split: str) -> dict[str, dict[str, Any]]:
        """What teaches eight short answers, and unlearns two of them."""
        start = {"epochs": 30, "lr": 1e-3, "batch_size": 8, "max_length": 64}
        return {"finetune": start, "train": {**start, "epochs": 5, "lr": 1e-4}}


def row(country: str, capital: str) -> Row:
    """Ask for a capital."""
    return Row(
        country.lower(), (Message("user", f"What is the capital of {country}?"),), capital, country
    )


def item_of(name: str, row: Row) -> dict[str, Any]:
    """An item of a set: what attacks must know of it, and the row that it asks about."""
    return {"id": f"{name}/{row.id}", "cluster": row.cluster, "row": row.id, "text": row}


def probability(responses: Mapping[str, Response], name: str, item: Mapping[str, Any]) -> float:
    """Probability per token of one answer."""
    logps = TextScore.of(responses[f"{name}/{item['text'].id}"]).token_logps
    return math.exp(sum(logps) / len(logps))


def summary(name: str, items: Sequence[ItemScore], higher_is_better: bool) -> Metric:
    """Average one set."""
    values = [item.value for item in items if item.set == name and item.value is not None]
    metric = f"{name}_probability"
    return Metric(
        metric, sum(values) / len(values), higher_is_better, n=len(values), n_clusters=len(values)
    )


def surprise(name: str, items: Sequence[ItemScore]) -> Metric:
    """Average the surprise of one set, nats per token; neither more nor less is better."""
    values = [-math.log(item.value) for item in items if item.set == name and item.value]
    return Metric(f"{name}_surprise", sum(values) / len(values), None, "nats", len(values))


@hookimpl
def suite_benchmarks() -> list[type[Benchmark[Any]]]:
    """Register the benchmark."""
    return [Capitals]
