"""Arithmetic derivations, and wrong ones that are nearly equal to them or differ throughout.

    question        What is 45 + 7 - 8 + 16?
    chosen          45 + 7 = 52. 52 - 8 = 44. 44 + 16 = 60.
    rejected, low   45 + 7 = 52. 52 - 8 = 43. 44 + 16 = 60.    one digit makes one step wrong
    rejected, high  45, up to 61, down to 37, up to 90.        other words, every step is wrong

Results keep two digits, so the wrong digit is one token wherever digits are tokens.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

from suite import Message, Pair

SMALLEST, LARGEST = 30, 99
"""Range of every result."""
OPERANDS = range(2, 20)


def pairs(count: int, steps: int, distance: str, seed: int) -> list[Pair]:
    """`count` pairs with different questions, at `low` or `high` distance.

    Equal arguments give equal pairs.
    """
    rng = random.Random(f"{seed}/{steps}/{distance}")
    made: dict[str, Pair] = {}
    while len(made) < count:
        values = _values(steps, rng)
        lines: list[str] = []
        asked = str(values[0])
        for before, after in pairwise(values):
            change = _change(before, after)
            lines.append(f"{before} {change} = {after}.")
            asked += f" {change}"
        question = f"What is {asked}?"
        rejected = _one_digit_wrong(lines, rng) if distance == "low" else _all_wrong(values, rng)
        id = str(len(made))
        prompt = (Message("user", question),)
        made.setdefault(question, Pair(id, prompt, " ".join(lines), rejected, id))
    return list(made.values())


def _values(steps: int, rng: random.Random) -> list[int]:
    """A start and the result of every step."""
    values = [rng.randint(SMALLEST, LARGEST)]
    while len(values) <= steps:
        result = values[-1] + rng.choice(OPERANDS) * rng.choice((1, -1))
        if SMALLEST <= result <= LARGEST:
            values.append(result)
    return values


def _change(before: int, after: int) -> str:
    """`+ 7` or `- 8`."""
    return f"{'+' if after > before else '-'} {abs(after - before)}"


def _one_digit_wrong(lines: list[str], rng: random.Random) -> str:
    """Change the last digit of one step's result.

    Never of the last step's: something must follow the wrong digit.
    """
    place = rng.randrange(len(lines) - 1)
    line = lines[place]
    digit = rng.choice([d for d in "0123456789" if d != line[-2]])
    return " ".join([*lines[:place], f"{line[:-2]}{digit}.", *lines[place + 1 :]])


def _all_wrong(values: list[int], rng: random.Random) -> str:
    """Every result is wrong, and worded otherwise."""
    return f"{values[0]}, {', '.join(_wrong_steps(values, rng))}."


def _wrong_steps(values: list[int], rng: random.Random) -> Iterator[str]:
    """Yield `up to 61`: the right direction and a wrong result of each step."""
    for before, after in pairwise(values):
        others = [value for value in range(SMALLEST, LARGEST + 1) if value != after]
        wrong = rng.choice(others)
        yield f"{'up' if after > before else 'down'} to {wrong}"
