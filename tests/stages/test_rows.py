"""Training rows made of answers, and what scoring is told of sampled answers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from suite.api.data import Message, Pair, Row
from suite.api.requests import (
    Generate,
    Generated,
    Request,
    Response,
    Rewarded,
    TextScore,
    Unanswered,
    response_class,
)
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
    response = Generated(
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
    kl = Generated.of(with_kl(read, tmp_path)[response.id]).kl
    assert kl[0] == 0.5
    assert math.isnan(kl[1])


@dataclass(frozen=True)
class Embedded(Response):
    """A response of a plugin's own kind, with a field of its own."""

    kind = "embed"

    vector: tuple[float, ...]


FULL = [
    TextScore("held_out/1/answer", (-0.5, -2.0), (True, False), (5, 1)),
    Generated("held_out/2/text", ("a", "b"), (True, False), ((5, 1), ()), (0.5, 0.0)),
    Rewarded("held_out/3/answer", 0.0),
    Unanswered("held_out/4/answer"),
    Embedded("held_out/5/vector", (1.0, 2.0)),
]


def test_no_field_of_a_response_is_lost(tmp_path: Path) -> None:
    for response in FULL:
        for field in fields(response):
            assert getattr(response, field.name) != field.default
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        for response in FULL:
            log.append(response_json(response))
    assert read_responses(tmp_path) == {response.id: response for response in FULL}


def test_every_kind_of_response_is_read_back_above() -> None:
    classes = (TextScore, Generated, Rewarded, Unanswered, Embedded)
    assert [type(response) for response in FULL] == list(classes)
    assert [response_class(each.kind) for each in classes] == list(classes)


def test_infinite_numbers_come_back_as_nan(tmp_path: Path) -> None:
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append(response_json(TextScore("q/1", (-math.inf, -1.0))))
    read = TextScore.of(read_responses(tmp_path)["q/1"])
    assert math.isnan(read.token_logps[0])
    assert read.token_logps[1] == -1.0


@dataclass(frozen=True)
class Longer(TextScore):
    """A response that would be read back as its parent."""

    more: float = 0.0


def test_a_response_that_could_not_be_read_back_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="response 'q/1': Longer needs a `kind` of its own"):
        response_json(Longer("q/1", (-1.0,), more=1.0))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            {"id": "q/1", "kind": "reward", "vector": [1.0]},
            "has the field 'vector', which Rewarded",
        ),
        ({"id": "q/1", "kind": "nowhere"}, "has the kind 'nowhere', which no class"),
        ({"id": "q/1", "texts": ["a"]}, "has the kind None, which no class"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_by_name(
    line: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    with JsonlWriter(tmp_path / "responses.jsonl") as log:
        log.append(line)
    with pytest.raises(UserError, match=rf"responses\.jsonl: response 'q/1' {problem}"):
        read_responses(tmp_path)


def test_a_response_of_another_kind_than_the_one_wanted_is_refused() -> None:
    with pytest.raises(UserError, match="'q/1' is of the kind 'reward', not 'generate'"):
        Generated.of(Rewarded("q/1", 1.0))


@dataclass(frozen=True)
class Perplexed(Request):
    """A request of the same fields as the next."""

    kind = "perplexed"


@dataclass(frozen=True)
class Embed(Request):
    """Ask for a vector."""

    kind = "embed"


def test_requests_of_two_kinds_with_equal_fields_have_different_digests() -> None:
    materials = Materials()
    assert materials.add([Embed("q/1", PROMPT)]) != materials.add([Perplexed("q/1", PROMPT)])


def test_a_sample_keeps_all_n_texts() -> None:
    requests = [
        Generate("held_out/1/continuation", PROMPT, temperature=1.0, n=3),
        Generate("held_out/2/continuation", PROMPT),
    ]
    texts = {"held_out/1/continuation": ("a", "b", "a"), "held_out/2/continuation": ("c",)}
    responses = {id: Generated(id, texts=given) for id, given in texts.items()}
    kept = [Sample(**line) for line in samples(requests, responses, Scores((), ()))]
    assert [sample.generations for sample in kept] == [["a", "b", "a"], ["c"]]
    assert [sample.generation for sample in kept] == ["a", "c"]
