"""Benchmarks, engines and judges with one mistake each, and what the kit must say of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import torch

from suite import (
    BenchmarkData,
    Engine,
    Generated,
    ItemScore,
    Judge,
    Message,
    Metric,
    Row,
    Scores,
    ScoreText,
    TextBenchmark,
    TextScore,
    Verdict,
)
from suite.toolkit import check_kinds


@dataclass(frozen=True)
class Settings:
    """None."""


class Rivers(TextBenchmark[Settings]):
    """Forget the rivers: every mistake below is made in this."""

    name = "rivers"
    provides = frozenset({"forget", "retain"})
    primary = ("surprise",)
    baseline = "retrain"
    Config = Settings

    def load(self, source: Any) -> BenchmarkData:
        rows = [
            Row(f"r/{i}", (Message("user", f"River {i}?"),), f"It is number {i}.", f"c/{i // 2}")
            for i in range(8)
        ]
        asked = rows[: source.limit]
        return BenchmarkData(
            roles={"forget": rows[:4], "retain": rows[4:]},
            starts={"target": rows, "retrain": rows[4:]},
            sets={"all": [{"row": row} for row in asked]},
            revision="made up",
            partial=source.limit is not None,
        )

    def requests(self, data: Any) -> list[Any]:
        rows = [item["row"] for item in data.sets["all"]]
        return [ScoreText(row.id, row.prompt, row.completion) for row in rows]

    def score(self, data: Any, responses: Any, baseline: Any) -> Scores:
        items = [
            self.item(item["row"], -sum(TextScore.of(responses[item["row"].id]).token_logps))
            for item in data.sets["all"]
        ]
        return Scores(items, [self.metric(items, baseline)])

    def item(self, row: Any, value: float) -> ItemScore:
        return ItemScore("surprise", "all", row.id, row.cluster, value)

    def metric(self, items: Any, baseline: Any) -> Metric:
        value = sum(item.value for item in items) / len(items)
        return Metric("surprise", value, True, "nats", len(items), 4)


class NoDirection(Rivers):
    """A headline metric that does not say what is better."""

    def metric(self, items: Any, baseline: Any) -> Metric:
        return replace(super().metric(items, baseline), higher_is_better=None)


class Irreproducible(Rivers):
    """Scores with a little noise."""

    def item(self, row: Any, value: float) -> ItemScore:
        return super().item(row, value + random.random())


class OtherQuestions(Rivers):
    """Questions in another order each time."""

    def requests(self, data: Any) -> list[Any]:
        return random.sample(super().requests(data), len(data.sets["all"]))


class DoubledIds(Rivers):
    """Two rows of one id."""

    def load(self, source: Any) -> BenchmarkData:
        data = super().load(source)
        forget = [replace(row, id="r/0") for row in data.roles["forget"]]
        return replace(data, roles={**data.roles, "forget": forget})


class NoClusters(Rivers):
    """Items that do not say what they belong to."""

    def item(self, row: Any, value: float) -> ItemScore:
        return replace(super().item(row, value), cluster_id="")


class NeedsRetrain(Rivers):
    """It cannot do without the retrain model."""

    def metric(self, items: Any, baseline: Any) -> Metric:
        return replace(super().metric(items, baseline), value=baseline["r/0"].token_logps[0])


class NoReason(Rivers):
    """A missing value without a reason."""

    def metric(self, items: Any, baseline: Any) -> Metric:
        found = super().metric(items, baseline)
        return found if baseline else replace(found, value=None)


class NoNumber(Rivers):
    """A metric that is no number."""

    def metric(self, items: Any, baseline: Any) -> Metric:
        return replace(super().metric(items, baseline), value=float("nan"))


class LacksARole(Rivers):
    """It promises pairs and has none."""

    provides = frozenset({"forget", "retain", "pairs"})


class WholeUnderALimit(Rivers):
    """Half of it looks like all of it."""

    def load(self, source: Any) -> BenchmarkData:
        return replace(super().load(source), partial=False)


class ChangesItsData(Rivers):
    """Scores are kept in the data."""

    def score(self, data: Any, responses: Any, baseline: Any) -> Scores:
        for item in data.sets["all"]:
            item["seen"] = True
        return super().score(data, responses, baseline)


class Clock(Engine):
    """Answers by the number of letters: every mistake below is made in this."""

    name = "clock"
    weights = 0.0

    def check(self, requests: Any) -> None:
        check_kinds(self.name, requests)

    def load(self, folder: Any) -> None:
        from safetensors.torch import load_file

        embedding = load_file(folder / "model.safetensors")["model.embed_tokens.weight"]
        self.weights = float(embedding[5, 0])

    def stream(self, requests: Any) -> Any:
        for request in requests:
            yield self.answer(request, len(requests))

    def answer(self, request: Any, beside: int) -> Any:
        if isinstance(request, ScoreText):
            return TextScore(request.id, (-abs(self.weights) - len(request.completion),))
        return Generated(request.id, ("tick",) * request.n)

    def identity(self) -> dict[str, str]:
        return {"engine": self.name}


class TakesAnything(Clock):
    """It answers kinds of requests that it does not know."""

    def check(self, requests: Any) -> None:
        return


class KeepsOldWeights(Clock):
    """The second checkpoint is never read."""

    def load(self, folder: Any) -> None:
        self.weights = 3.0


class NeighboursCount(Clock):
    """Answers depend on how many are asked."""

    def answer(self, request: Any, beside: int) -> Any:
        found = super().answer(request, beside)
        return (
            replace(found, token_logps=(-float(beside),)) if isinstance(found, TextScore) else found
        )


class Loses(Clock):
    """The last answer is lost."""

    def stream(self, requests: Any) -> Any:
        return list(super().stream(requests))[:-1]


class SetsThreads(Clock):
    """It takes threads for itself and keeps them."""

    def answer(self, request: Any, beside: int) -> Any:
        torch.set_num_threads(torch.get_num_threads() + 1)
        return super().answer(request, beside)


class Coin(Judge[Settings]):
    """The first answer wins: every mistake below is made in this."""

    name = "coin"
    Config = Settings

    def identity(self) -> dict[str, Any]:
        return {}

    def compare(self, comparisons: Any) -> Any:
        for each in comparisons:
            yield self.verdict(each)

    def verdict(self, comparison: Any) -> Verdict:
        return Verdict(comparison.id, "first")


class Tosses(Coin):
    """A coin is tossed."""

    def verdict(self, comparison: Any) -> Verdict:
        return Verdict(comparison.id, random.choice(("first", "second")))


class SaysA(Coin):
    """Its verdicts are letters."""

    def verdict(self, comparison: Any) -> Any:
        return Verdict(comparison.id, "A")  # type: ignore[arg-type]


class Silent(Coin):
    """No verdict, and no reason."""

    def verdict(self, comparison: Any) -> Verdict:
        return Verdict(comparison.id, None)


class NotJson(Coin):
    """Nobody can find its verdicts again."""

    def identity(self) -> dict[str, Any]:
        return {"rule": object()}


SOUND = {"benchmark": Rivers, "engine": Clock, "judge": Coin}
SAID: dict[tuple[str, type[Any]], tuple[str, str]] = {
    ("benchmark", NoDirection): ("direction", "'surprise' does not say whether more is better"),
    ("benchmark", Irreproducible): (
        "reproducible",
        "the same answers have other scores the second time",
    ),
    ("benchmark", OtherQuestions): (
        "reproducible",
        "`requests` asks other questions the second time",
    ),
    ("benchmark", DoubledIds): ("ids", "two rows of 'forget' have the id 'r/0'"),
    ("benchmark", NoClusters): ("clusters", "rows have clusters, but no scored item does"),
    ("benchmark", NeedsRetrain): (
        "missing baseline",
        "TypeError: 'NoneType' object is not subscriptable",
    ),
    ("benchmark", NoReason): ("missing baseline", "without a retrain model 'surprise' is None"),
    ("benchmark", NoNumber): (
        "scoring",
        "metric 'surprise' must be a finite number or None, not nan",
    ),
    ("benchmark", LacksARole): ("data", "`provides` names pairs, for which `load` gives no rows"),
    ("benchmark", WholeUnderALimit): ("limit", "less is asked, but the data are not `partial`"),
    ("benchmark", ChangesItsData): ("surroundings", "`requests` or `score` changes the data"),
    ("engine", TakesAnything): (
        "unknown kinds",
        "`check` takes a request of the kind 'unheard_of'",
    ),
    ("engine", KeepsOldWeights): ("weights", "other weights give the same answer"),
    ("engine", NeighboursCount): ("alone", "padding and neighbours have no influence"),
    ("engine", Loses): ("answers", "expected: each once"),
    ("engine", SetsThreads): (
        "surroundings",
        "answering changes torch's threads of the whole process",
    ),
    ("judge", Tosses): ("reproducible", "asked the same twice, it judges differently"),
    ("judge", SaysA): ("verdicts", "a verdict is 'A'"),
    ("judge", Silent): ("verdicts", "a verdict is None without a reason"),
    ("judge", NotJson): ("identity", "identity() is no JSON"),
}
"""(Kind, plugin) -> the rule that it breaks, and a part of what is said."""
