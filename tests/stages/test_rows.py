"""Training rows made of answers, and what scoring is told of sampled answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pytest

from suite.api.data import Message, Pair, Row
from suite.api.requests import Request, Response
from suite.api.scores import Scores
from suite.core.errors import UserError
from suite.results.samples import Sample
from suite.score.stage import samples
from suite.stages.materials import Materials
from suite.stages.responses import read_responses, response_json, with_kl
from suite.stages.rows import SampledRows, inputs_of, read_rows, write_rows
from suite.store import JsonlWriter, Stage

PROMPT = (Message("user", "I saw this"),)
PAIR = Pair("1/0-1", PROMPT, " film. Loved it.", " film. Hated it.", "1")
ROW = Row("1", PROMPT, "", "1")


@pytest.mark.parametrize("row", [PAIR, ROW])
def test_rows_come_back_as_they_were_written(row: Pair | Row, tmp_path: Path) -> None:
    write_rows([row, row], tmp_path, "role")  # type: ignore[arg-type]
    assert list(read_rows(tmp_path, "role")) == [row, row]


def test_the_stage_stands_for_rows_that_nobody_knows_yet() -> None:
    stages = [Stage("roles", {"version": version}) for version in (1, 2)]
    first, second = (Stage("train", {}, inputs_of(SampledRows(stage, "pairs"))) for stage in stages)
    assert first.key != second.key
    assert inputs_of([PAIR]) == {}


def test_materials_are_found_by_the_digest_of_their_content() -> None:
    materials = Materials()
    key = materials.add([PAIR])
    assert materials.add([ROW]) != key
    assert materials.add([replace(PAIR)]) == key
    assert materials[key] == [PAIR]
    with pytest.raises(UserError, match="plan the same run"):
        materials["5c1f0a2b9d3e"]


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
