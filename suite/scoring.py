"""The stage `score`: from answers to scores: items.jsonl, metrics.json, curve.json, samples.jsonl."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suite.judged import JudgedBenchmark, Verdicts
from suite.judges.asking import cost_of, read_judged
from suite.responses import read_responses, with_kl
from suite.score_files import write_scores
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.benchmark import BenchmarkData, Request, Response, Scores, TextBenchmark
    from suite.judges import Judge
    from suite.method import Method
    from suite.store import Build, Json


def scoring(
    benchmark: TextBenchmark[Any],
    data: BenchmarkData,
    requests: Sequence[Request],
    method: Method[Any] | None,
    judge: Judge[Any] | None = None,
) -> Callable[[Build], None]:
    """Score answers: items.jsonl (one line per metric and item), metrics.json, samples.jsonl."""

    def build(build: Build) -> None:
        responses = read_responses(build.inputs["responses"])
        if "kl" in build.inputs:
            responses = with_kl(responses, build.inputs["kl"])
        baseline = read_responses(build.inputs["baseline"]) if "baseline" in build.inputs else None
        if isinstance(benchmark, JudgedBenchmark):
            assert judge is not None
            judged, canary = (
                read_judged(build.inputs["verdicts"]),
                read_judged(build.inputs["canary"]),
            )
            scores = benchmark.score_judged(
                data, responses, Verdicts(judged, canary, cost_of(judge, judged))
            )
        else:
            scores = benchmark.score_method(data, responses, baseline, method)
        write_scores(scores, build.out)
        with JsonlWriter(build.out / "samples.jsonl") as log:
            for sample in samples(requests, responses, scores):
                log.append(sample)

    return build


def samples(
    requests: Sequence[Request], responses: Mapping[str, Response], scores: Scores
) -> Iterator[dict[str, Json]]:
    """Question, reference, answer and scores of every generated item.

    The id of a request is "<item id>/<what is asked>", that of an item "<set>/<number>".
    """
    by_item: dict[str, dict[str, Json]] = {}
    clusters = {score.item_id: score.cluster_id for score in scores.items}
    for score in scores.items:
        by_item.setdefault(score.item_id, {})[score.metric] = score.value
    for request in requests:
        if request.kind == "generate" and responses[request.id].texts:
            item = request.id.rpartition("/")[0]
            yield {
                "set": item.partition("/")[0],
                "item_id": item,
                "prompt": request.prompt[-1].content,
                "reference": request.completion,
                "generation": responses[request.id].texts[0],
                "others": list(responses[request.id].texts[1:]),
                "scores": by_item.get(item, {}),
                "cluster_id": clusters.get(item, ""),
            }
