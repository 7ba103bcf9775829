"""Asking a judge, as a stage: verdicts.jsonl, one line per question and order.

{"id": "held_out/12/answer", "candidate": "Arvik.", "rival": "I do not know.",
 "verdicts": [{"key": "5c1…", "choice": "first", "note": "", "calls": 1, ...}, {...}]}

Every verdict is appended to a log as soon as it is there, under a key of all that decides it: judge
and revision, criterion, prompt, both answers and their order. What the log holds is never asked
again, and equal answers are never asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.api.judge import Comparison, Cost, Judge, Verdict, identity_of
from suite.api.requests import Generated
from suite.api.stages import builds
from suite.api.verdicts import Judged, Question
from suite.core import faults, interrupt
from suite.stages.responses import read_responses
from suite.store import Build, Json, JsonlWriter, digest, read_jsonl

if TYPE_CHECKING:
    from suite.stages.context import Context

CANARY = "Yes."
"""The constant answer. A judge that likes it better than real answers is not to be trusted."""
CANARY_QUESTIONS = 20
"""Questions on which the constant answer is judged."""

Answers = Mapping[str, str]


@builds("judge")
def judge_answers(build: Build, context: Context) -> None:
    """Judge every question in both orders. Without the input "responses" the candidate is the
    canary, without "rival" the other answer is the data's own."""
    judge = context.materials[digest(build.spec["judge"])]
    questions: Sequence[Question] = context.materials[build.spec["questions"]]
    own = _answers(build, "responses", {question.id: CANARY for question in questions})
    given = {question.id: question.reference for question in questions}
    rival = _answers(build, "rival", given)
    orders = {q.id: both_orders(q, own[q.id], rival[q.id]) for q in questions}
    found = _ask(judge, list(orders.values()), build, context.verdicts)
    with JsonlWriter(build.out / "verdicts.jsonl") as final:
        for id, pair in orders.items():
            keys = [key_of(judge, each) for each in pair]
            verdicts = [{**found[key], "key": key} for key in keys]
            final.append({"id": id, "candidate": own[id], "rival": rival[id], "verdicts": verdicts})


def _answers(build: Build, name: str, otherwise: Answers) -> Answers:
    """Read the answers of the input `name` (the first of several samples), else `otherwise`."""
    if name not in build.inputs:
        return otherwise
    answers: dict[str, str] = {}
    for id, response in read_responses(build.inputs[name]).items():
        if isinstance(response, Generated) and response.texts:
            answers[id] = response.texts[0]
    return answers


def both_orders(question: Question, own: str, rival: str) -> tuple[Comparison, Comparison]:
    """The candidate shown first, and shown second."""
    id, prompt, criterion = question.id, question.prompt, question.criterion
    return (
        Comparison(id, prompt, own, rival, criterion),
        Comparison(id, prompt, rival, own, criterion),
    )


def key_of(judge: Judge[Any], comparison: Comparison) -> str:
    """Digest of all that decides a verdict; the question's id does not."""
    content = asdict(comparison)
    del content["id"]  # equal questions are asked once, whatever they are called
    return digest({"judge": identity_of(judge), **content})


def _ask(
    judge: Judge[Any],
    orders: Sequence[tuple[Comparison, Comparison]],
    build: Build,
    known: dict[str, dict[str, Json]],
) -> dict[str, dict[str, Json]]:
    """Verdict by key: from the log, from another model's equal answer in this run (`known`, which
    grows), or from the judge."""
    wanted = {key_of(judge, each): each for pair in orders for each in pair}
    partial = build.scratch / "verdicts.jsonl"
    progress = judge.context.progress
    with (
        JsonlWriter(partial) as log,
        progress.task(str(build.stage), len(wanted), "verdict") as bar,
    ):
        logged = {line["key"]: line["verdict"] for line in read_jsonl(partial)}
        known |= logged
        for key in wanted:
            if key in known and key not in logged:
                # Another model's equal answer: after an interruption it is not asked for again.
                log.append({"key": key, "verdict": known[key]})
        missing = {key: each for key, each in wanted.items() if key not in known}
        bar.advance(len(wanted) - len(missing))
        for key, verdict in _verdicts(judge, missing, build):
            faults.point("judge.verdict")
            known[key] = {name: value for name, value in asdict(verdict).items() if name != "id"}
            log.append({"key": key, "verdict": known[key]})
            faults.point("judge.kept")
            bar.advance()
            interrupt.check()
    return known


def _verdicts(
    judge: Judge[Any], missing: Mapping[str, Comparison], build: Build
) -> Iterator[tuple[str, Verdict]]:
    """Yield the verdict of each comparison, by its key.

    Equal answers tie and cost nothing; the judge is started only if something is left.
    """
    left: list[Comparison] = []
    for key, each in missing.items():
        if each.first == each.second:
            yield key, Verdict(key, "tie", "equal answers: not asked")
        else:
            left.append(replace(each, id=key))  # the key, so that its verdict can be told
    if left:
        judge.open({name: build.inputs[f"judge/{name}"] for name in judge.inputs()})
        for verdict in judge.compare(left):
            yield verdict.id, verdict


def read_judged(folder: Path) -> dict[str, Judged]:
    """Read what the stage wrote, by question."""
    judged: dict[str, Judged] = {}
    for line in read_jsonl(folder / "verdicts.jsonl"):
        orders: list[Verdict] = []
        for each in line["verdicts"]:
            each.pop("key", None)  # what the log found it by; no part of the verdict
            orders.append(Verdict(line["id"], **each))
        judged[line["id"]] = Judged(line["candidate"], line["rival"], *orders)
    return judged


def cost_of(judge: Judge[Any], judged: Mapping[str, Judged]) -> Cost:
    """Add up what the verdicts took; one that several questions share counts each time."""
    costs: list[Cost] = []
    for each in judged.values():
        for verdict in each.verdicts:
            costs.append(Cost(verdict.calls, verdict.tokens_in, verdict.tokens_out))
    return total(judge, costs)


def forecast(judge: Judge[Any], questions: Sequence[Question]) -> Cost:
    """Estimate what judging one model will cost, if its answers are as long as the data's own."""
    costs: list[Cost] = []
    for question in questions:
        for order in both_orders(question, question.reference, question.reference):
            costs.append(judge.forecast(order))
    return total(judge, costs)


def total(judge: Judge[Any], costs: Iterable[Cost]) -> Cost:
    """Add up costs, at the judge's prices."""
    calls = tokens_in = tokens_out = 0
    for cost in costs:
        calls += cost.calls
        tokens_in += cost.tokens_in
        tokens_out += cost.tokens_out
    return Cost(calls, tokens_in, tokens_out, judge.price(tokens_in, tokens_out))
