"""Pairs for the tiny model: right and wrong answers about people that it knows from pretraining.

    What were the jobs of Vera Corova's parents?
    chosen            A baker from Arvik and a nurse from Belmora.
    rejected, low     A baker from Arvik and a nurse from Kardale.           one fact is wrong
    rejected, medium  A miner from Norvik and a clerk from Kardale.          every fact is another's
    rejected, high    I have no information about that.                      a refusal

Pairs take turns between the three, so that displacement can be seen by edit distance. A person's
pairs are one cluster.
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
        # The next person first, around the end: each pair gets its wrong facts from another one.
        following = [*names[place + 1 :], *names[:place]]
        for number, (question, answer) in enumerate(people[name]):
            others = [people[other][number][1] for other in following]
            rejected = _wrong(answer, others, place + number)
            id = f"{place * world.QUESTIONS_PER_AUTHOR + number}"
            pair = Pair(id, (Message("user", question),), answer, rejected, f"person/{place}")
            pairs.append(checked(pair, f"generated pair {id}"))
    return Read(pairs, f"generated world@{world.digest()[:12]}")


def known_people() -> dict[str, list[tuple[str, str]]]:
    """The people in the pretraining corpus: name -> (question, answer) of each kind."""
    answers: dict[str, str] = {}
    for row in world.pretraining_rows():
        # The plain answer stands before its paraphrase.
        answers.setdefault(row["question"], row["answer"])
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
    other = _alike(others, right)
    if turn % 3 == 1:
        return " ".join(other)
    differing = [i for i, (a, b) in enumerate(zip(right, other, strict=True)) if a != b]
    last = differing[-1]
    return " ".join([*right[:last], other[last], *right[last + 1 :]])


def _alike(others: list[str], right: list[str]) -> list[str]:
    """The words of the first other answer with the same length and first word, the pronoun.

    Of two such answers the words that differ are the facts.
    """
    for other in others:
        candidate = other.split(" ")
        same_form = len(candidate) == len(right) and candidate[0] == right[0]
        if same_form and candidate != right:
            return candidate
    raise LookupError(f"no answer is like {' '.join(right)!r}")
