"""The generated world: TOFU's shapes, wrong answers that are wrong, the same everywhere."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from suite.tiny import words, world

ROOT = Path(__file__).parents[2]
PUBLISHED = Path(os.environ.get("SUITE_SHARED", ROOT.parent / "shared")) / "data" / "tofu"
PER_AUTHOR = world.QUESTIONS_PER_AUTHOR
OF_AUTHORS = [name for name in world.names() if "paraphrased_answer" in world.tables(name)[0]]
FACTS = ("real_authors", "world_facts")


def rows(name: str) -> list[str]:
    return [json.dumps(row) for row in world.tables(name)]


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_world_is_the_same_in_every_process(hash_seed: str) -> None:
    command = [sys.executable, "-c", "from suite.tiny import world; print(world.digest())"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert printed.stdout.strip() == world.digest()


def test_the_world_ignores_the_global_generator() -> None:
    before = random.getstate()
    world._tables.cache_clear()
    world._people.cache_clear()
    world.digest()
    assert random.getstate() == before


def test_importing_the_world_loads_no_heavy_library() -> None:
    script = (
        "import sys; from suite.tiny import model, tokenizer, world; world.digest(); "
        "sys.exit(bool({'torch', 'transformers', 'tokenizers'} & sys.modules.keys()))"
    )
    subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )


@pytest.mark.parametrize("n_forget", [1, 5, 10])
def test_forget_and_retain_cut_full_in_two(n_forget: int) -> None:
    forget, retain = rows(f"forget{n_forget:02}"), rows(f"retain{100 - n_forget}")
    assert retain + forget == rows("full")
    assert not set(forget) & set(retain)
    assert len(forget) == n_forget * PER_AUTHOR


def test_full_has_a_hundred_authors_of_contiguous_rows() -> None:
    full = world.tables("full")
    assert len(full) == 100 * PER_AUTHOR
    for index, row in enumerate(full):
        author = world._people()[index // PER_AUTHOR]["name"]
        assert author in row["question"]


def test_perturbed_tables_are_their_split_with_more_columns() -> None:
    for name in world.names():
        if name.endswith("_perturbed") and name != "retain_perturbed":
            plain = world.tables(name.removesuffix("_perturbed"))
            asked = [(row["question"], row["answer"]) for row in world.tables(name)]
            assert asked == [(row["question"], row["answer"]) for row in plain]


def test_evaluated_retain_authors_are_in_every_retain_split() -> None:
    evaluated = {row["question"] for row in world.tables("retain_perturbed")}
    assert 10 <= len(evaluated) // PER_AUTHOR <= 15
    for name in ("retain90", "retain95", "retain99"):
        assert evaluated <= {row["question"] for row in world.tables(name)}


@pytest.mark.parametrize("name", OF_AUTHORS)
def test_five_wrong_answers_in_the_paraphrase_s_form(name: str) -> None:
    for row in world.tables(name):
        answers = [row["paraphrased_answer"], *row["perturbed_answer"]]
        assert len(set(answers)) == 6
        assert row["answer"] not in answers
        assert len({len(answer.split()) for answer in answers}) == 1


def test_every_fact_of_a_wrong_answer_is_wrong() -> None:
    for index, row in enumerate(world.tables("forget10_perturbed")):
        author = world._people()[90 + index // PER_AUTHOR]
        kind = world.KINDS[index % PER_AUTHOR]
        right = kind.paraphrased_answer.format_map(author).split()
        template = kind.paraphrased_answer.split()
        facts = [
            i
            for i, word in enumerate(template)
            if any(f"{{{slot}}}" in word for slot in kind.slots)
        ]
        assert len(facts) == len(kind.slots) >= 4
        for wrong in row["perturbed_answer"]:
            assert [i for i, word in enumerate(wrong.split()) if word != right[i]] == facts


@pytest.mark.parametrize("name", FACTS)
def test_facts_offer_four_options_of_which_one_is_right(name: str) -> None:
    for plain, perturbed in zip(world.tables(name), world.tables(f"{name}_perturbed"), strict=True):
        options = [plain[f"option{i}"] for i in (1, 2, 3, 4)]
        assert len(set(options)) == 4
        assert set(options) == {plain["answer"], *perturbed["perturbed_answer"]}
        assert len(perturbed["perturbed_answer"]) == 3


def test_right_options_stand_in_all_four_places() -> None:
    tables = [row for name in FACTS for row in world.tables(name)]
    assert {i for row in tables for i in (1, 2, 3, 4) if row[f"option{i}"] == row["answer"]} == {
        1,
        2,
        3,
        4,
    }


def test_pretraining_knows_no_author_of_the_tables() -> None:
    corpus = world.pretraining_rows()
    text = " ".join(row["question"] for row in corpus)
    authors = world._people()[: world.N_AUTHORS]
    assert not [author["name"] for author in authors if author["name"] in text]
    assert len({person["name"] for person in world._people()}) == world.N_AUTHORS + world.N_OTHERS


def test_pretraining_teaches_facts_both_forms_and_refusals() -> None:
    corpus = world.pretraining_rows()
    asked = {(row["question"], row["answer"]) for row in corpus}
    facts = [row for name in FACTS for row in world.tables(name)]
    assert {(row["question"], row["answer"]) for row in facts} <= asked
    assert set(words.REFUSALS) <= {answer for _, answer in asked}
    for kind in world.KINDS:
        beginnings = [kind.answer.split("{")[0], kind.paraphrased_answer.split("{")[0]]
        assert all(any(answer.startswith(start) for _, answer in asked) for start in beginnings)


def read(name: str) -> list[dict[str, Any]]:
    path = PUBLISHED / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"TOFU's published files are not here (SUITE_SHARED): no {path.name}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", world.names())
def test_columns_are_those_of_the_published_files(name: str) -> None:
    published, generated = read(name), world.tables(name)
    assert {tuple(row) for row in generated} == {tuple(row) for row in published}
    assert {column: type(value) for column, value in generated[0].items()} == {
        column: type(value) for column, value in published[0].items()
    }
    assert {len(row.get("perturbed_answer", ())) for row in generated} == {
        len(row.get("perturbed_answer", ())) for row in published
    }


def test_every_published_table_has_a_generated_one() -> None:
    read("full")
    assert set(world.names()) == {path.stem for path in PUBLISHED.glob("*.json")}


def test_another_author_seed_draws_authors_whom_the_base_model_has_not_met():
    read = {row["question"] for row in world.pretraining_rows()}
    asked = [{row["question"] for row in world.tables("full", seed)} for seed in (0, 1, 2)]
    assert not asked[1] & asked[0] and asked[1] != asked[2]
    assert not read & (asked[0] | asked[1] | asked[2])
    assert world.tables("world_facts", 1) and world.tables("full", 0) is world.tables("full")
    vocabulary = {word for sentence in world.sentences() for word in sentence.split()}
    for row in world.tables("full", 1):
        assert set(row["answer"].split()) <= vocabulary
