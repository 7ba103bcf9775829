"""Evaluating a model on TOFU: the engine against the plain way, in CPU time, with the same metrics.

    SUITE_SMOLLM2=<model folder> pytest -m perf -s tests/perf/test_evaluation.py
    (SUITE_PERF_ITEMS=12: quicker)

The plain way is how such evaluations are usually written: every metric runs its own forward passes
over whole texts, in batches of 16 in the order of the data, with logits at every position;
generation pads 16 prompts on the left and goes on until the last of them has ended.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import pytest
import torch
import torch.nn.functional as F
from rouge_score.rouge_scorer import RougeScorer

from suite.api.data import Message
from suite.api.requests import Generate, ScoreText
from suite.engines.hf.engine import HFEngine
from suite.model.encoding import Encoder
from tests.perf.plain import load, pad

pytestmark = pytest.mark.perf

T = TypeVar("T")
SETS = {"forget01": False, "retain": False, "real_authors": True, "world_facts": True}
"""Set -> whether its wrong answers are options (then the answer itself is also the truth ratio's
correct text)."""
BATCH, NEW_TOKENS = 16, 200
ITEMS = int(os.environ.get("SUITE_PERF_ITEMS", "40"))


@dataclass(frozen=True)
class Item:
    id: str
    prompt: tuple[Message, ...]
    answer: str
    correct: str
    wrong: tuple[str, ...]
    options: bool


@dataclass(frozen=True)
class PlainWay:
    model: Any
    encoder: Encoder


def test_evaluation_is_three_times_as_fast_as_the_plain_way(shared: Path, smollm2: Path) -> None:
    sets = {
        name: read(shared / f"data/tofu/{name}_perturbed.json", options)
        for name, options in SETS.items()
    }
    engine = HFEngine("cpu", "float32")
    engine.load(smollm2)
    engine.respond([Generate("warm-up", sets["retain"][0].prompt, max_new_tokens=2)])

    way = PlainWay(load(smollm2), engine.encoder)

    fast, seconds = timed(lambda: engine_metrics(engine, sets))
    plain, plain_likelihood = timed(lambda: plain_likelihoods(way, sets))
    recall, plain_generation = timed(lambda: plain_recall(way, sets))
    plain |= recall
    ratio = (plain_likelihood + plain_generation) / seconds
    print(
        f"\n{sum(map(len, sets.values()))} questions, CPU seconds: plain {plain_likelihood:.0f} "
        "(likelihoods) + "
        f"{plain_generation:.0f} (generation), engine {seconds:.0f}, ratio {ratio:.2f}"
    )
    assert fast == pytest.approx(plain, abs=1e-4)
    assert ratio >= 3


def read(path: Path, options: bool) -> list[Item]:
    rows = [json.loads(line) for line in path.read_text().splitlines()[:ITEMS]]
    return [
        Item(
            f"{path.stem}/{i}",
            (Message("user", row["question"]),),
            row["answer"],
            row["answer"] if options else row["paraphrased_answer"],
            tuple(row["perturbed_answer"]),
            options,
        )
        for i, row in enumerate(rows)
    ]


def timed(function: Callable[[], T]) -> tuple[T, float]:
    """Result and CPU seconds: what else the machine does counts for neither side."""
    start = time.process_time()
    return function(), time.process_time() - start


def probability(item: Item, answer: float, wrong: Sequence[float]) -> float:
    """From log-probabilities per token: of the answer, or where there are options its share among
    them."""
    p = math.exp(answer)
    return p / (p + sum(map(math.exp, wrong))) if item.options else p


def truth_ratio(correct: float, wrong: Sequence[float]) -> float:
    return math.exp(fmean(wrong) - correct)


def rouge(item: Item, text: str) -> float:
    return float(
        RougeScorer(["rougeL"], use_stemmer=True).score(item.answer, text)["rougeL"].recall
    )


def engine_metrics(engine: HFEngine, sets: dict[str, list[Item]]) -> dict[str, float]:
    requests = []
    for item in (item for items in sets.values() for item in items):
        texts = {
            "answer": item.answer,
            "correct": item.correct,
            **{f"wrong{i}": w for i, w in enumerate(item.wrong)},
        }
        requests += [ScoreText(f"{item.id}/{k}", item.prompt, text) for k, text in texts.items()]
        requests.append(
            Generate(f"{item.id}/text", item.prompt, item.answer, max_new_tokens=NEW_TOKENS)
        )
    responses = {r.id: r for r in engine.stream(requests)}

    def mean_logp(item: Item, kind: str) -> float:
        return fmean(responses[f"{item.id}/{kind}"].token_logps)

    metrics = {}
    for name, items in sets.items():
        wrong = [[mean_logp(item, f"wrong{i}") for i in range(len(item.wrong))] for item in items]
        pairs = list(zip(items, wrong, strict=True))
        metrics[f"{name}/probability"] = fmean(
            probability(x, mean_logp(x, "answer"), w) for x, w in pairs
        )
        metrics[f"{name}/truth_ratio"] = fmean(
            truth_ratio(mean_logp(x, "correct"), w) for x, w in pairs
        )
        metrics[f"{name}/recall"] = fmean(
            rouge(x, responses[f"{x.id}/text"].texts[0]) for x in items
        )
    return metrics


def plain_likelihoods(way: PlainWay, sets: dict[str, list[Item]]) -> dict[str, float]:
    metrics = {}
    for name, items in sets.items():
        answers = plain_logps(way, [(x, x.answer) for x in items])
        options = plain_wrong(way, items) if SETS[name] else [[] for _ in items]
        triples = zip(items, answers, options, strict=True)
        metrics[f"{name}/probability"] = fmean(probability(x, a, w) for x, a, w in triples)
        correct = plain_logps(way, [(x, x.correct) for x in items])
        wrong = plain_wrong(way, items)
        metrics[f"{name}/truth_ratio"] = fmean(map(truth_ratio, correct, wrong))
    return metrics


def plain_wrong(way: PlainWay, items: list[Item]) -> list[list[float]]:
    flat = iter(plain_logps(way, [(x, wrong) for x in items for wrong in x.wrong]))
    return [[next(flat) for _ in x.wrong] for x in items]


@torch.inference_mode()
def plain_logps(way: PlainWay, texts: list[tuple[Item, str]]) -> list[float]:
    """Log-probability per token of each text."""
    means: list[float] = []
    encoded = [way.encoder.encode(item.prompt, text) for item, text in texts]
    for start in range(0, len(encoded), BATCH):
        batch = pad(encoded[start : start + BATCH])
        labels = torch.full_like(batch.input_ids, -100)
        labels.view(-1)[batch.positions + 1] = batch.targets
        logits = way.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits[
            :, :-1
        ]
        losses = F.cross_entropy(logits.float().transpose(1, 2), labels[:, 1:], reduction="none")
        means += (-losses.sum(1) / batch.lengths).tolist()
    return means


def plain_recall(way: PlainWay, sets: dict[str, list[Item]]) -> dict[str, float]:
    return {
        f"{name}/recall": fmean(map(rouge, items, plain_texts(way, items)))
        for name, items in sets.items()
    }


def plain_texts(way: PlainWay, items: list[Item]) -> list[str]:
    texts: list[str] = []
    prompts = [way.encoder.encode_prompt(item.prompt) for item in items]
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        width = max(map(len, batch))
        ids = torch.tensor([(0,) * (width - len(p)) + p for p in batch])
        mask = torch.tensor([(0,) * (width - len(p)) + (1,) * len(p) for p in batch])
        output = way.model.generate(
            ids,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=NEW_TOKENS,
            eos_token_id=way.encoder.eos_id,
            pad_token_id=way.encoder.eos_id,
        )
        texts += [
            way.encoder.decode(ended(row, way.encoder.eos_id)) for row in output[:, width:].tolist()
        ]
    return texts


def ended(ids: list[int], eos_id: int) -> list[int]:
    """Up to the end token; behind it stands padding."""
    return ids[: ids.index(eos_id)] if eos_id in ids else ids


def test_generation_alone_is_no_slower_than_plain_generate(shared: Path, smollm2: Path) -> None:
    """Without a reference answer to draft from, as for open questions: batches by length, rows
    leave as they end."""
    items = [
        item
        for name, options in SETS.items()
        for item in read(shared / f"data/tofu/{name}_perturbed.json", options)
    ]
    engine = HFEngine("cpu", "float32")
    engine.load(smollm2)
    engine.respond([Generate("warm-up", items[0].prompt, max_new_tokens=2)])
    requests = [Generate(item.id, item.prompt, max_new_tokens=NEW_TOKENS) for item in items]
    way = PlainWay(load(smollm2), engine.encoder)
    responses, seconds = timed(lambda: engine.respond(requests))
    texts, plain_seconds = timed(lambda: plain_texts(way, items))
    same = fmean(ours.texts[0] == theirs for ours, theirs in zip(responses, texts, strict=True))
    ratio = plain_seconds / seconds
    print(
        f"\n{len(items)} texts, CPU seconds: transformers' generate {plain_seconds:.0f}, engine "
        f"{seconds:.0f}, "
        f"ratio {ratio:.2f}; equal texts {same:.2f}"
    )
    assert same >= 0.9  # a tie of two tokens may fall either way
    assert ratio >= 1
