"""Where the edit is, by tokens, and what follows it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from suite_benchmarks.edit_distance import (
    EditDistance,
    EditDistanceConfig,
    first_difference,
    mean_from,
)
from suite_benchmarks.pairs.scores import MissingError

from suite import Response, Source, TextScore
from suite.api.data import BenchmarkData
from suite.api.scores import Metric
from suite.engines.hf.engine import HFEngine
from suite.stages.responses import read_responses, response_json


@pytest.fixture(scope="module")
def data() -> BenchmarkData:
    return EditDistance(EditDistanceConfig(training_pairs=2, held_out_pairs=2, steps=3)).load(
        Source(None, "low", True)
    )


def answer(tokens: tuple[int, ...], logps: tuple[float, ...]) -> Response:
    return TextScore("low/2/chosen", logps, tokens=tokens)


def test_the_first_difference_by_hand() -> None:
    chosen, rejected = answer((5, 6, 7, 8), (-1, -2, -3, -4)), answer((5, 6, 9, 8), (0, 0, 0, 0))
    assert first_difference(chosen, rejected) == 2
    assert mean_from(chosen, 2) == -3.5
    longer = answer((5, 4, 4, 4, 4), (0,) * 5)
    assert first_difference(chosen, longer) == 1


@pytest.mark.parametrize(
    ("chosen", "rejected", "note"),
    [
        (answer((), (-1.0,)), answer((1,), (-1.0,)), "the engine does not tell the tokens"),
        (answer((1, 2), (-1.0, -1.0)), answer((1, 2), (-1.0, -1.0)), "no token differs"),
    ],
)
def test_where_no_difference_can_be_found(chosen: Response, rejected: Response, note: str) -> None:
    with pytest.raises(MissingError, match=note):
        first_difference(chosen, rejected)


def test_nothing_after_the_edit() -> None:
    with pytest.raises(MissingError, match="no token follows"):
        mean_from(answer((1,), (-1.0,)), 1)


def score(data: BenchmarkData, change: float, *, tokens: bool = True) -> dict[str, Metric]:
    """Two items of 5 tokens that differ in the third; the model differs from the reference by
    `change` a token."""
    chosen, rejected = ((1, 2, 3, 4, 5), (1, 2, 9, 4, 5)) if tokens else ((), ())
    ids = [item["id"] for item in data.sets["low"]]

    def respond(shift: float) -> dict[str, Response]:
        found = {}
        for k, id in enumerate(ids):
            logps = tuple(x + shift for x in (-1.0, -1.0, -5.0, -0.5, -0.25 - k))
            found[f"{id}/chosen"] = TextScore(f"{id}/chosen", logps, tokens=chosen)
            found[f"{id}/rejected"] = TextScore(f"{id}/rejected", (-2.0,) * 5, tokens=rejected)
        return found

    scores = EditDistance(EditDistanceConfig()).score_method(
        data, respond(change), respond(0), None
    )
    return {metric.name: metric for metric in scores.metrics}


def test_the_mean_is_over_the_tokens_after_the_edit(data: BenchmarkData) -> None:
    metrics = score(data, change=-0.5)
    assert metrics["after_edit_logp"].value == pytest.approx((-0.375 - 0.875) / 2 - 0.5)
    assert metrics["after_edit_change"].value == pytest.approx(-0.5)
    assert metrics["chosen_log_ratio"].value == pytest.approx(-2.5)
    assert metrics["displaced"].value == 1
    assert metrics["after_edit_logp"].n == metrics["after_edit_logp"].n_clusters == 2


def test_an_engine_that_tells_no_tokens_leaves_it_null_and_the_rest_not(
    data: BenchmarkData,
) -> None:
    metrics = score(data, change=0.25, tokens=False)
    assert metrics["after_edit_logp"].value is None
    assert "pairs have no value" in metrics["after_edit_logp"].note
    assert metrics["displaced"].value == 0


def test_the_engine_tells_its_tokens_and_the_difference_is_the_wrong_digit(
    tiny_folder: Path,
) -> None:
    benchmark = EditDistance(EditDistanceConfig(training_pairs=1, held_out_pairs=6))
    data = benchmark.load(Source(None, "low", True))
    engine = HFEngine(device="cpu", dtype="float32")
    engine.load(tiny_folder)
    responses = {response.id: response for response in engine.respond(benchmark.requests(data))}
    for item in data.sets["low"]:
        chosen, rejected = (responses[f"{item['id']}/{which}"] for which in ("chosen", "rejected"))
        place = first_difference(chosen, rejected)
        texts = item["pair"].chosen, item["pair"].rejected
        shared = next(i for i, (a, b) in enumerate(zip(*texts, strict=True)) if a != b)
        tokenizer = engine.encoder.tokenizer
        assert tokenizer.decode(chosen.tokens[:place]) == texts[0][:shared]
        assert tokenizer.decode(chosen.tokens[place : place + 1]) == texts[0][shared]
        assert chosen.tokens[place + 1 :] == rejected.tokens[place + 1 :]
        # What is before the edit has the same probability in both; what is after it depends on it.
        assert chosen.token_logps[:place] == pytest.approx(rejected.token_logps[:place], abs=1e-4)


def test_tokens_survive_the_store(tmp_path: Path) -> None:
    from suite.store import JsonlWriter

    response = TextScore("a", (-1.0, math.nan), (True, False), tokens=(7, 8))
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append(response_json(response))
    assert read_responses(tmp_path)["a"].tokens == (7, 8)
