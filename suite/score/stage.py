"""The stage `score`: from answers to scores: items.jsonl, metrics.json, curve.json,
samples.jsonl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from suite.api.attack import Target
from suite.api.benchmark import Asked, TextBenchmark
from suite.api.requests import Generate, Generated, Request, Response
from suite.api.stages import builds
from suite.api.verdicts import Verdicts
from suite.judges.asking import cost_of, read_judged
from suite.score.checks import checked
from suite.score.files import write_scores
from suite.stages.responses import read_baselines, read_responses, with_kl
from suite.store import JsonlWriter

if TYPE_CHECKING:
    from suite.api.judge import Judge
    from suite.api.scores import Scores
    from suite.stages.context import Context
    from suite.store import Build, Json


@builds("score")
def score_answers(build: Build, context: Context) -> None:
    """Score answers: items.jsonl (one line per metric and item), metrics.json, samples.jsonl."""
    spec = build.spec
    benchmark: TextBenchmark[Any] = context.benchmark(spec)
    data = context.materials[spec["data"]]
    responses = read_responses(build.inputs["responses"])
    if "kl" in build.inputs:
        responses = with_kl(responses, build.inputs["kl"])
    baselines = read_baselines(build.inputs)
    method = context.method(spec["method"]) if spec["method"] else None
    verdicts = _read_verdicts(context.materials[spec["judge"]], build) if spec["judge"] else None
    requests = context.materials[spec["requests"]]
    if "attack" in spec:
        assert benchmark.knowledge is not None, "only then it is attacked"
        attack = context.attack(spec["attack"])
        target = Target(data, requests, benchmark.knowledge)
        scores = checked(attack, attack.score(target, responses))
    else:
        asked = Asked(data, responses, baselines, method, verdicts)
        scores = checked(benchmark, benchmark.score_cell(asked))
    write_scores(scores, build.out)
    # Nobody reads those of an attack that scores itself, and they may be hundreds a question.
    shown = [] if "attack" in spec else requests
    with JsonlWriter(build.out / "samples.jsonl") as log:
        for sample in samples(shown, responses, scores):
            log.append(sample)


def _read_verdicts(judge: Judge[Any], build: Build) -> Verdicts:
    """What the judge said of the answers, and what that took."""
    judged = read_judged(build.inputs["verdicts"])
    canary = read_judged(build.inputs["canary"])
    return Verdicts(judged, canary, cost_of(judge, judged))


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
        response = responses[request.id]
        if isinstance(request, Generate) and isinstance(response, Generated) and response.texts:
            item = request.id.rpartition("/")[0]
            yield {
                "set": item.partition("/")[0],
                "item_id": item,
                "prompt": request.prompt[-1].content,
                "reference": request.guess,
                "generation": response.texts[0],
                "others": list(response.texts[1:]),
                "scores": by_item.get(item, {}),
                "cluster_id": clusters.get(item, ""),
            }
