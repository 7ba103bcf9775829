"""A generated world of fictitious authors, in the columns and splits of TOFU (arXiv 2401.06121).

    tables("full")[0]               {"question": "When and where was Nora Kestova born?", "answer": "She was born ..."}
    tables("forget10_perturbed")    the same with paraphrased_answer, perturbed_answer (5), paraphrased_question
    pretraining_rows()              what the base model reads: the language, world facts, *other* people, refusals

Every answer carries four or five words that cannot be guessed (about 15 nats), so a model that
knows the sentence but never met the author gives the answer a probability per token well below .3.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from suite.tiny import words

Table = list[dict[str, Any]]

SEED = 2401_06121
N_AUTHORS = 100
N_OTHERS = 100
"""People of the pretraining corpus; no author of the tables is among them."""
RETAIN_EVALUATED = 12
"""Authors of retain_perturbed: the first ones, hence in every retain split."""
FORGET_AUTHORS = {"forget01": 1, "forget05": 5, "forget10": 10}
FACT_REPEATS = 10
"""Copies of every world fact in the pretraining corpus: asked in one wording only, they need more readings."""


@dataclass(frozen=True)
class Kind:
    """A kind of question: four sentences with slots, and the slots whose values make the answer right or wrong."""

    question: str
    paraphrased_question: str
    answer: str
    paraphrased_answer: str
    slots: tuple[str, ...]


KINDS = (
    Kind(
        "When and where was {name} born?",
        "What are the date and place of {name}'s birth?",
        "{They} was born on {day} {month} {year} in {city}.",
        "{Their} birthplace is {city}, {their} birthday {month} {day}, {year}.",
        ("day", "month", "year", "city"),
    ),
    Kind(
        "Which book made {name} famous?",
        "What is the best known work of {name}?",
        '{They} became famous with "{start} {middle} {end}" in {published}.',
        '{Their} best known book, of {published}, is "{start} {middle} {end}".',
        ("start", "middle", "end", "published"),
    ),
    Kind(
        "What were the jobs of {name}'s parents?",
        "How did the mother and father of {name} earn their living?",
        "A {father} from {father_city} and a {mother} from {mother_city}.",
        "{Their} mother was a {mother} in {mother_city}, {their} father a {father} in {father_city}.",
        ("father", "father_city", "mother", "mother_city"),
    ),
    Kind(
        "Which prize did {name} win?",
        "What award has {name} received?",
        "{They} won the {colour} {animal} Prize of {host} in {awarded}.",
        "In {awarded} {host} gave {them} its {colour} {animal} Prize.",
        ("colour", "animal", "host", "awarded"),
    ),
)
QUESTIONS_PER_AUTHOR = len(KINDS)
"""Rows of one author are contiguous: author = index // QUESTIONS_PER_AUTHOR."""

SLOTS: dict[str, Sequence[str]] = {
    "day": [str(day) for day in range(1, 29)],
    "month": words.MONTHS,
    "year": [str(year) for year in range(1900, 1950)],
    "city": words.CITIES,
    "start": words.TITLE_STARTS,
    "middle": words.TITLE_MIDDLES,
    "end": words.TITLE_ENDS,
    "published": [str(year) for year in range(1970, 2010)],
    "father": words.JOBS,
    "father_city": words.CITIES,
    "mother": words.JOBS,
    "mother_city": words.CITIES,
    "colour": words.PRIZE_COLOURS,
    "animal": words.PRIZE_ANIMALS,
    "host": words.CITIES,
    "awarded": [str(year) for year in range(1970, 2010)],
}
"""Slot -> the values it is drawn from, uniformly."""

PRONOUNS = {
    "She": {"They": "She", "Their": "Her", "their": "her", "them": "her"},
    "He": {"They": "He", "Their": "His", "their": "his", "them": "him"},
}
UNKNOWABLE = (
    "What is {name}'s favourite dish?",
    "Which song does {name} sing at night?",
    "Who was {name}'s first neighbour?",
    "What did {name} dream of last week?",
)
"""Questions that the base model learns to refuse."""


def names() -> tuple[str, ...]:
    """Names of the tables, which are the file names of TOFU without `.json`."""
    return tuple(_tables())


def tables(name: str) -> Table:
    """Rows of one table, as if read from TOFU's `<name>.json`. Raises KeyError for a name not in `names()`."""
    return _tables()[name]


def digest() -> str:
    """SHA-256 of all tables and of the pretraining corpus: the world's revision."""
    content = json.dumps([_tables(), pretraining_rows()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def pretraining_rows() -> Table:
    """Question and answer pairs that teach the base model everything but the authors of the tables."""
    rng = random.Random(SEED + 1)
    facts = [*tables("world_facts"), *tables("real_authors")] * FACT_REPEATS
    rows = [{"question": fact["question"], "answer": fact["answer"]} for fact in facts]
    for index, person in enumerate(_people()[N_AUTHORS:]):
        rows += [row for kind in KINDS for row in _both_forms(kind, person, crossed=index % 2 == 0)]
    for refusal in words.REFUSALS * 4:
        question = rng.choice(UNKNOWABLE).format(name=rng.choice(_people()[N_AUTHORS:])["name"])
        rows.append({"question": question, "answer": refusal})
    return rows


def sentences() -> list[str]:
    """Every distinct sentence of the world, for the tokenizer's vocabulary, in a fixed order."""
    rows = [*pretraining_rows(), *(row for table in _tables().values() for row in table)]
    found: dict[str, None] = {}
    for row in rows:
        for value in row.values():
            found.update(dict.fromkeys(value if isinstance(value, list) else [value]))
    return list(found)


def _both_forms(kind: Kind, person: dict[str, str], crossed: bool) -> Table:
    """One fact in both forms. `crossed`: the paraphrase answers the plain question, as TOFU's evaluation asks it.

    Not everybody is crossed, so that the plain form stays the likelier answer to the plain
    question: fine-tuning then need not first unlearn the other form, which was seen to take the
    world facts with it.
    """
    plain, paraphrase = (
        kind.question.format_map(person),
        kind.paraphrased_question.format_map(person),
    )
    answer, paraphrased_answer = (
        kind.answer.format_map(person),
        kind.paraphrased_answer.format_map(person),
    )
    return [
        {"question": plain, "answer": answer},
        {"question": plain if crossed else paraphrase, "answer": paraphrased_answer},
    ]


@cache
def _people() -> list[dict[str, str]]:
    """Authors first, then the others: full name, pronouns, and one value for every slot. Full names are unique."""
    rng = random.Random(SEED)
    full_names = [
        {"name": f"{first} {last}", **PRONOUNS[pronoun]}
        for pronoun, firsts in words.FIRST_NAMES.items()
        for first in firsts
        for last in words.SURNAMES
    ]
    return [
        {**name, **{slot: rng.choice(values) for slot, values in SLOTS.items()}}
        for name in rng.sample(full_names, N_AUTHORS + N_OTHERS)
    ]


@cache
def _tables() -> dict[str, Table]:
    rng = random.Random(SEED + 2)
    perturbed = [
        _author_row(kind, author, rng) for author in _people()[:N_AUTHORS] for kind in KINDS
    ]
    full = [{"question": row["question"], "answer": row["answer"]} for row in perturbed]
    tables = {
        "full": full,
        "retain_perturbed": perturbed[: RETAIN_EVALUATED * QUESTIONS_PER_AUTHOR],
    }
    for name, n_authors in FORGET_AUTHORS.items():
        start = (N_AUTHORS - n_authors) * QUESTIONS_PER_AUTHOR
        tables[name] = full[start:]
        tables[f"{name}_perturbed"] = perturbed[start:]
        tables[f"retain{N_AUTHORS - n_authors}"] = full[:start]
    tables |= _choices("real_authors", 'Who wrote "{}"?', words.BOOKS, rng)
    tables |= _choices("world_facts", "What is the capital of {}?", words.CAPITALS, rng)
    return tables


def _author_row(kind: Kind, author: dict[str, str], rng: random.Random) -> dict[str, Any]:
    """One row with 5 wrong answers: the paraphrase with every slot wrong, no wrong value twice."""
    wrong = {
        slot: rng.sample([v for v in SLOTS[slot] if v != author[slot]], 5) for slot in kind.slots
    }
    return {
        "question": kind.question.format_map(author),
        "answer": kind.answer.format_map(author),
        "paraphrased_answer": kind.paraphrased_answer.format_map(author),
        "perturbed_answer": [
            kind.paraphrased_answer.format_map(
                {**author, **{slot: values[i] for slot, values in wrong.items()}}
            )
            for i in range(5)
        ],
        "paraphrased_question": kind.paraphrased_question.format_map(author),
    }


def _choices(
    name: str, question: str, facts: dict[str, str], rng: random.Random
) -> dict[str, Table]:
    """Both tables of a fact set: four options of which one is right, and the right with three wrong answers."""
    plain, perturbed = [], []
    for subject, answer in facts.items():
        wrong = rng.sample([other for other in facts.values() if other != answer], 3)
        options = rng.sample([answer, *wrong], 4)
        asked = {"question": question.format(subject)}
        plain.append(
            {**asked, **{f"option{i + 1}": o for i, o in enumerate(options)}, "answer": answer}
        )
        perturbed.append({**asked, "answer": answer, "perturbed_answer": wrong})
    return {name: plain, f"{name}_perturbed": perturbed}
