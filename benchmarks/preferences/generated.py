"""Pairs for the tiny model: right and wrong answers about people that it knows from pretraining.

    What were the jobs of Vera Corova's parents?
    chosen            A baker from Arvik and a nurse from Belmora.
    rejected, low     A baker from Arvik and a nurse from Kardale.           one fact is wrong
    rejected, medium  A miner from Norvik and a clerk from Kardale.          every fact is wrong: another person's
    rejected, high    I have no information about that.                      a refusal

The three turn about, so that displacement can be seen by edit distance. A person's pairs are one
cluster.
"""

from __future__ import annotations

from suite import Message, Pair
from suite.tiny import words, world

from ..pairs.data import checked
from .read import Read


def generated() -> Read:
    """One pair for each person and kind of question."""
    people = known_people()
    names = list(people)
    pairs = []
    for place, name in enumerate(names):
        for number, (question, answer) in enumerate(people[name]):
            others = [
                people[names[(place + k) % len(names)]][number][1] for k in range(1, len(names))
            ]
            rejected = _wrong(answer, others, place + number)
            id = f"{place * world.QUESTIONS_PER_AUTHOR + number}"
            pair = Pair(id, (Message("user", question),), answer, rejected, f"person/{place}")
            pairs.append(checked(pair, f"generated pair {id}"))
    return Read(pairs, f"generated world@{world.digest()[:12]}")


def known_people() -> dict[str, list[tuple[str, str]]]:
    """Name -> (question, answer) of each kind, in the plain wording, of the people in the
    pretraining corpus."""
    answers: dict[str, str] = {}
    for row in world.pretraining_rows():
        answers.setdefault(
            row["question"], row["answer"]
        )  # the plain answer stands before its paraphrase
    people: dict[str, list[tuple[str, str]]] = {}
    for kind in world.KINDS:
        before, after = kind.question.split("{name}")
        for question, answer in answers.items():
            if question.startswith(before) and question.endswith(after):
                name = question.removeprefix(before).removesuffix(after)
                people.setdefault(name, []).append((question, answer))
    return people


def _wrong(answer: str, others: list[str], turn: int) -> str:
    """A wrong answer at one of three distances."""
    if turn % 3 == 2:
        return words.REFUSALS[turn % len(words.REFUSALS)]
    right = answer.split(" ")
    # With the same pronoun and length, the words that differ are the facts.
    other = next(o.split(" ") for o in others if o != answer and _alike(o.split(" "), right))
    if turn % 3 == 1:
        return " ".join(other)
    place = max(i for i, (a, b) in enumerate(zip(right, other, strict=True)) if a != b)
    return " ".join([*right[:place], other[place], *right[place + 1 :]])


def _alike(a: list[str], b: list[str]) -> bool:
    return len(a) == len(b) and a[0] == b[0]
