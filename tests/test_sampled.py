"""Training rows made of answers, and what scoring is told of sampled answers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from suite.api.data import Message, Pair, Row
from suite.api.requests import Response
from suite.core.errors import UserError
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
