"""Training rows made of answers, and what scoring is told of sampled answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from suite.benchmark import Message, Pair, Request, Response, Row, Scores
from suite.errors import UserError
from suite.responses import read_responses, response_json, with_kl
from suite.sampled import SampledRows, inputs_of, read_rows, rows_digest, write_rows
from suite.samples import Sample
from suite.scoring import samples
from suite.store import Build, JsonlWriter, Stage


def nothing(build: Build) -> None:
    """Build nothing."""


PROMPT = (Message("user", "I saw this"),)
PAIR = Pair("1/0-1", PROMPT, " film. Loved it.", " film. Hated it.", "1")
ROW = Row("1", PROMPT, "", "1")


@pytest.mark.parametrize("row", [PAIR, ROW])
def test_rows_come_back_as_they_were_written(row: Pair | Row, tmp_path: Path) -> None:
    write_rows([row, row], tmp_path, "role")  # type: ignore[arg-type]
    assert list(read_rows(tmp_path, "role")) == [row, row]


def test_the_stage_stands_for_rows_that_nobody_knows_yet() -> None:
    stages = [Stage("roles", {"version": version}, nothing) for version in (1, 2)]
    first, second = (
        Stage("train", {}, nothing, inputs_of(SampledRows(stage, "pairs"))) for stage in stages
    )
    assert rows_digest(SampledRows(stages[0], "pairs")) is None
    assert first.key != second.key
    assert rows_digest([PAIR]) != rows_digest([ROW])
    assert inputs_of([PAIR]) == {}


def test_sampled_tokens_survive_the_log_and_the_kl_joins_them(tmp_path: Path) -> None:
    response = Response(
        "held_out/1/continuation",
        texts=("a", "b"),
        finished=(True, False),
        sampled=((5, 1), (6, 7)),
    )
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append(response_json(response))
    with JsonlWriter(tmp_path / "kl.jsonl") as log:
        log.append({"id": response.id, "kl": [0.5, None]})
    read = read_responses(tmp_path)
    assert read == {response.id: response}
    kl = with_kl(read, tmp_path)[response.id].kl
    assert kl[0] == 0.5
    assert math.isnan(kl[1])


def test_no_field_of_a_response_is_lost(tmp_path: Path) -> None:
    response = Response(
        "held_out/1/answer",
        token_logps=(-0.5, -2.0),
        greedy=(True, False),
        tokens=(5, 1),
        texts=("a", "b"),
        finished=(True, False),
        sampled=((5, 1), ()),
        kl=(0.5, 0.0),
        reward=0.0,
    )
    assert all(getattr(response, field.name) != field.default for field in fields(Response))
    plain = Response("held_out/2/answer")
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append(response_json(response))
        log.append(response_json(plain))
    assert read_responses(tmp_path) == {response.id: response, plain.id: plain}


@dataclass(frozen=True)
class Embedded(Response):
    """A response with a field of its own."""

    vector: tuple[float, ...] = ()


def test_a_field_that_could_not_be_read_back_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="response 'q/1' has the field 'vector'"):
        response_json(Embedded("q/1", vector=(1.0,)))
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append({"id": "q/1", "vector": [1.0]})
    with pytest.raises(UserError, match=r"responses\.jsonl: response 'q/1' has the field 'vector'"):
        read_responses(tmp_path)


def test_a_sample_keeps_all_n_texts() -> None:
    requests = [
        Request("held_out/1/continuation", "generate", PROMPT, temperature=1.0, n=3),
        Request("held_out/2/continuation", "generate", PROMPT),
    ]
    texts = {"held_out/1/continuation": ("a", "b", "a"), "held_out/2/continuation": ("c",)}
    responses = {id: Response(id, texts=given) for id, given in texts.items()}
    kept = [Sample(**line) for line in samples(requests, responses, Scores((), ()))]
    assert [sample.generations for sample in kept] == [["a", "b", "a"], ["c"]]
    assert [sample.generation for sample in kept] == ["a", "c"]
