"""A generated world of fictitious authors, in the columns and splits of TOFU (arXiv 2401.06121).

    tables("full")[0]               {"question": "When and where was Nora Kestova born?",
                                     "answer": "She was born ..."}
    tables("forget10_perturbed")    also paraphrased_question, paraphrased_answer and
                                    perturbed_answer (5 of them)
    pretraining_rows()              what the base model reads: the language, world facts,
                                    *other* people, refusals

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
from itertools import product
from typing import Any

from suite.tiny import words

Table = list[dict[str, Any]]

SEED = 2401_06121
N_AUTHORS = 100
N_OTHERS = 100
"""People of the pretraining corpus; no author of the tables is among them."""
N_WRONG = 5
"""Wrong answers to every question about an author."""
RETAIN_EVALUATED = 12
"""Authors of retain_perturbed: the first ones, hence in every retain split."""
FORGET_AUTHORS = {"forget01": 1, "forget05": 5, "forget10": 10}
FACT_REPEATS = 10
"""Copies of every world fact in the pretraining corpus.

Each is asked in one wording only, so it must be read more often to be learnt.
"""


@dataclass(frozen=True)
class Kind:
    """A kind of question: four sentences with slots.

    `slots` are those whose values make the answer right or wrong.
    """

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
        "{Their} mother was a {mother} in {mother_city}, "
        "{their} father a {father} in {father_city}.",
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


def _numbers(first: int, end: int) -> list[str]:
    return [str(number) for number in range(first, end)]


SLOTS: dict[str, Sequence[str]] = {
    "day": _numbers(1, 29),
    "month": words.MONTHS,
    "year": _numbers(1900, 1950),
    "city": words.CITIES,
    "start": words.TITLE_STARTS,
    "middle": words.TITLE_MIDDLES,
    "end": words.TITLE_ENDS,
    "published": _numbers(1970, 2010),
    "father": words.JOBS,
    "father_city": words.CITIES,
    "mother": words.JOBS,
    "mother_city": words.CITIES,
    "colour": words.PRIZE_COLOURS,
    "animal": words.PRIZE_ANIMALS,
    "host": words.CITIES,
    "awarded": _numbers(1970, 2010),
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
    return tuple(_tables(0))


def tables(name: str, author_seed: int = 0) -> Table:
    """Rows of one table, as if read from TOFU's `<name>.json`.

    Another `author_seed` draws other authors, whom the base model has not met either.
    Raises KeyError for a name that is not in `names()`.
    """
    return _tables(author_seed)[name]


def digest() -> str:
    """SHA-256 of all tables and of the pretraining corpus: the world's revision."""
    content = json.dumps([_tables(0), pretraining_rows()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def pretraining_rows() -> Table:
    """Questions and answers that teach the base model all but the authors of the tables."""
    rng = random.Random(SEED + 1)
    others = _people()[N_AUTHORS:]
    facts = [*tables("world_facts"), *tables("real_authors")] * FACT_REPEATS
    rows = [_plain(fact) for fact in facts]
    for index, person in enumerate(others):
        for kind in KINDS:
            rows += _both_forms(kind, person, crossed=index % 2 == 0)
    for refusal in words.REFUSALS * 4:
        question = rng.choice(UNKNOWABLE)
        person = rng.choice(others)
        rows.append({"question": question.format(name=person["name"]), "answer": refusal})
    return rows


def sentences() -> list[str]:
    """Every distinct sentence of the world, for the tokenizer's vocabulary, in a fixed order."""
    found: dict[str, None] = {}
    for table in (pretraining_rows(), *_tables(0).values()):
        for row in table:
            for value in row.values():
                several = value if isinstance(value, list) else [value]
                found.update(dict.fromkeys(several))
    return list(found)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {"question": row["question"], "answer": row["answer"]}


def _both_forms(kind: Kind, person: dict[str, str], crossed: bool) -> Table:
    """One fact in both forms.

    `crossed`: the paraphrase answers the plain question, as TOFU's evaluation asks it.
    Not everybody is crossed, so that the plain form stays the likelier answer to the plain
    question: fine-tuning then need not first unlearn the other form, which was seen to take the
    world facts with it.
    """
    question = kind.question.format_map(person)
    paraphrase = kind.paraphrased_question.format_map(person)
    answer = kind.answer.format_map(person)
    paraphrased_answer = kind.paraphrased_answer.format_map(person)
    return [
        {"question": question, "answer": answer},
        {"question": question if crossed else paraphrase, "answer": paraphrased_answer},
    ]


@cache
def _people() -> list[dict[str, str]]:
    """Authors first, then the others: full name, pronouns, and one value for every slot.

    Full names are unique.
    """
    return _drawn(random.Random(SEED), _full_names(), N_AUTHORS + N_OTHERS)


def _authors(author_seed: int) -> list[dict[str, str]]:
    """The authors of the tables; those of another seed are none of `_people()`."""
    if author_seed == 0:
        return _people()[:N_AUTHORS]
    met = {person["name"] for person in _people()}
    unmet = [name for name in _full_names() if name["name"] not in met]
    return _drawn(random.Random(f"{SEED}/{author_seed}"), unmet, N_AUTHORS)


def _full_names() -> list[dict[str, str]]:
    """Every first name with every surname, and the pronouns that go with it."""
    found = []
    for pronoun, firsts in words.FIRST_NAMES.items():
        for first, last in product(firsts, words.SURNAMES):
            found.append({"name": f"{first} {last}", **PRONOUNS[pronoun]})
    return found


def _drawn(rng: random.Random, names: list[dict[str, str]], number: int) -> list[dict[str, str]]:
    """So many people: distinct names, and a value for each slot."""
    people = []
    for name in rng.sample(names, number):
        values = {slot: rng.choice(choices) for slot, choices in SLOTS.items()}
        people.append({**name, **values})
    return people


@cache
def _tables(author_seed: int) -> dict[str, Table]:
    rng = random.Random(SEED + 2)
    perturbed = []
    for author in _authors(author_seed):
        perturbed += [_author_row(kind, author, rng) for kind in KINDS]
    full = [_plain(row) for row in perturbed]
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
    wrong_answers: list[dict[str, str]] = [{**author} for _ in range(N_WRONG)]
    for slot in kind.slots:
        others = [value for value in SLOTS[slot] if value != author[slot]]
        for mistaken, value in zip(wrong_answers, rng.sample(others, N_WRONG), strict=True):
            mistaken[slot] = value
    return {
        "question": kind.question.format_map(author),
        "answer": kind.answer.format_map(author),
        "paraphrased_answer": kind.paraphrased_answer.format_map(author),
        "perturbed_answer": [kind.paraphrased_answer.format_map(each) for each in wrong_answers],
        "paraphrased_question": kind.paraphrased_question.format_map(author),
    }


def _choices(
    name: str, question: str, facts: dict[str, str], rng: random.Random
) -> dict[str, Table]:
    """Both tables of a fact set.

    The plain one has four options of which one is right, the perturbed one the right answer and
    three wrong ones.
    """
    plain, perturbed = [], []
    for subject, answer in facts.items():
        wrong = rng.sample([other for other in facts.values() if other != answer], 3)
        options = rng.sample([answer, *wrong], 4)
        row = {"question": question.format(subject)}
        numbered = {f"option{number}": option for number, option in enumerate(options, start=1)}
        plain.append({**row, **numbered, "answer": answer})
        perturbed.append({**row, "answer": answer, "perturbed_answer": wrong})
    return {name: plain, f"{name}_perturbed": perturbed}
